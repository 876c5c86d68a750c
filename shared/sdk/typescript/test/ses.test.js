"use strict";

// Plays the caller's part of the sender's cases, through the ordinary client of SES.

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { Client, Sender } = require("../src/index.js");

const server = process.env.STILLE_VECTORS;
const key = process.env.STILLE_VECTORS_KEY ?? "";
const skip = !server && "go test ./shared/sdk/vectorstest starts the server";
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
      const raw = message.Content?.Raw;
      if (raw) raw.Data = new Uint8Array(Buffer.from(raw.Data, "base64"));
      const brand = sender(n, scope);
      const got = await (message.BulkEmailEntries ? brand.sendBulk(message) : brand.send(message));
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

test("a bulk without entries is refused", { skip }, async () => {
  for (const BulkEmailEntries of [undefined, []]) {
    await assert.rejects(sender(0).sendBulk({ DefaultContent: {}, BulkEmailEntries }), TypeError);
  }
});

test("a sender is for a brand", () => {
  const client = new Client("https://a.example", "key");
  for (const [scope, configurationSet] of [["", "stille"], ["*", "stille"], ["Acme AS", "stille"], ["acme", ""]]) {
    const ses = { sendEmail: async () => ({}), sendBulkEmail: async () => ({}) };
    assert.throws(() => new Sender(client, ses, { scope, configurationSet }), TypeError);
  }
});

test("no fault sends to the silent", { skip }, async () => {
  const n = (await load("cases")).length;
  const faulty = sender(n);
  const Content = { Simple: { Subject: { Data: "News" }, Body: { Text: { Data: "Hello" } } } };
  let sent = 0;
  const DefaultContent = { Template: { TemplateName: "spring" } };
  for (let person = 0; person < FAULTY; person++) {
    const to = [0, 1, 2].map((more) => ({ ToAddresses: [`${(person + more) % 2 ? "no." : ""}${person + more}@example.no`] }));
    const BulkEmailEntries = to.slice(0, 1 + (person % 3)).map((Destination) => ({ Destination }));
    const bulk = person % 10 < 2;
    const outcomes = await (bulk
      ? faulty.sendBulk({ DefaultContent, BulkEmailEntries })
      : faulty.send({ Destination: to[0], Content }));
    sent += outcomes.filter((outcome) => outcome.sent).length;
  }
  assert.deepEqual(await load(`${n}/seen`), { mails: sent, wrong: "" });
  assert.ok(sent > FAULTY / 20);
});
