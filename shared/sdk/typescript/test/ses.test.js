"use strict";

// Plays the caller's part of the sender's cases, through the ordinary client of SES.

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { Client, Sender } = require("../src/index.js");

const server = process.env.STILLE_VECTORS;
const key = process.env.STILLE_VECTORS_KEY ?? "";
const skip = !server && "go test ./shared/sdk/vectors starts the server";
const FAULTY = 500;

/**
 * @param {string} path
 * @returns {Promise<any>}
 */
async function load(path) {
  return (await fetch(`${server}/mail/${path}`)).json();
}

/**
 * @param {number} n
 * @param {string} [scope]
 */
function sender(n, scope = "acme") {
  const { SESv2 } = require("@aws-sdk/client-sesv2");
  const base = `${server}/mail/${n}`;
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const ses = new SESv2({ endpoint: base, region: "eu-north-1", credentials });
  return new Sender(new Client(base, key, { retries: 0 }), ses, { scope, configurationSet: "stille" });
}

test("the sender does what the cases say", { skip }, async (t) => {
  for (const [n, { name, message, scope, outcomes }] of (await load("cases")).entries()) {
    await t.test(name, async () => {
      const raw = message.Content.Raw;
      if (raw) raw.Data = new Uint8Array(Buffer.from(raw.Data, "base64"));
      const got = await sender(n, scope).send(message);
      assert.equal(got.length, outcomes.length);
      for (const [i, outcome] of got.entries()) {
        for (const [member, value] of Object.entries(outcomes[i])) {
          assert.equal(/** @type {Record<string, unknown>} */ ({ ...outcome })[member], value, outcome.detail);
        }
        assert.equal(outcome.sent, outcome.messageId !== undefined);
        assert.ok(!`${outcome.reason} ${outcome.detail}`.includes("@"));
      }
      assert.deepEqual(await load(`${n}/seen`), { mails: got.filter(({ sent }) => sent).length, wrong: "" });
    });
  }
});

test("a message without recipients is refused", { skip }, async () => {
  for (const Destination of [undefined, {}, { ToAddresses: [] }]) {
    await assert.rejects(sender(0).send({ Destination, Content: {} }), TypeError);
  }
});

test("a sender is for a brand", () => {
  const client = new Client("https://a.example", "key");
  for (const [scope, configurationSet] of [["", "stille"], ["*", "stille"], ["Acme AS", "stille"], ["acme", ""]]) {
    assert.throws(() => new Sender(client, { sendEmail: async () => ({}) }, { scope, configurationSet }), TypeError);
  }
});

test("no fault sends to the silent", { skip }, async () => {
  const n = (await load("cases")).length;
  const faulty = sender(n);
  const Content = { Simple: { Subject: { Data: "News" }, Body: { Text: { Data: "Hello" } } } };
  let sent = 0;
  for (let person = 0; person < FAULTY; person++) {
    const address = `${person % 2 ? "no." : ""}${person}@example.no`;
    const [outcome] = await faulty.send({ Destination: { ToAddresses: [address] }, Content });
    if (outcome.sent) sent++;
  }
  assert.deepEqual(await load(`${n}/seen`), { mails: sent, wrong: "" });
  assert.ok(sent > FAULTY / 20);
});
