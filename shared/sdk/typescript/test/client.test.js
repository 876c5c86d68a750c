"use strict";

// What a caller can get wrong, and what a client must not show.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const { inspect } = require("node:util");

const { Client } = require("../src/index.js");

const key = "stille_secret";
/** @type {any} */
const Loose = Client;
const client = () => new Loose("http://127.0.0.1:19", key, { timeout: 1000, retries: 0 });

test("a client never sends its key in the clear", () => {
  for (const base of ["https://a.example", "https://a.example/stage/", "http://127.0.0.1:19", "http://localhost", "http://[::1]:19"]) {
    assert.ok(new Client(base, key));
  }
  for (const base of [
    ...["http://a.example", "http://127.0.0.1.example", "ftp://a.example", "a.example", "", "https://", undefined, null, 1],
    ...["https://u:p@a.example", "https://a.example?k=1", "https://a.example#x", "https://a.example:x", "https://[::1"],
    ...["https://a.example/\r\nX: 1", "https://a.example:99999", "http://localhost.example"],
  ]) {
    assert.throws(() => new Loose(base, key), (error) => error instanceof TypeError && !/example|secret/.test(error.message), String(base));
  }
});

test("settings that are none are refused", () => {
  for (const timeout of [0, -1, "5", null, NaN, Infinity, true]) assert.throws(() => new Loose("https://a.example", key, { timeout }), TypeError);
  for (const retries of [-1, 1.5, "2", null, true]) assert.throws(() => new Loose("https://a.example", key, { retries }), TypeError);
  for (const wrong of ["", "a b", "a\n", "nøkkel", null, undefined, {}]) assert.throws(() => new Loose("https://a.example", wrong), TypeError);
});

test("the key is not shown", () => {
  const shown = inspect(client(), { showHidden: true, depth: 9 }) + JSON.stringify(client()) + String(client()) + JSON.stringify({ ...client() });
  assert.ok(!shown.includes(key));
});

test("a contact of another shape is a mistake", async () => {
  for (const contact of ["kari@example.no", null, undefined, {}, { channel: "email" }, { channel: "email", address: 1 }, { channel: 1, address: "a" }, { channel: "email", address: "a", region: 1 }]) {
    await assert.rejects(client().check({ contacts: [contact] }), (error) => error instanceof TypeError && !error.message.includes("kari"));
  }
  for (const contacts of [undefined, null, "kari@example.no", {}]) await assert.rejects(client().check({ contacts }), TypeError);
});

test("maySend never rejects", async () => {
  for (const address of [undefined, null, 1, {}, [], "kari@example.no", "a\ud800@example.no", ""]) {
    assert.equal(await client().maySend("email", address, { scope: "acme" }), false);
    assert.equal(await client().maySend(address, "kari@example.no", address), false);
  }
  assert.equal(await client().maySend("email", "kari@example.no", null), false);
});

test("both kinds of import give the same client", async () => {
  const imported = await import("stille");
  assert.equal(imported.Client, require("stille").Client);
});

test("text that is no Unicode is not sent", async () => {
  const [result] = await client().check({ contacts: [{ channel: "email", address: "a\ud800@example.no" }] });
  assert.equal(result.detail, "a text of the request is not Unicode");
});
