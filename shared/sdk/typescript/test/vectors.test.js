"use strict";

// Plays the client's part of the vectors that all SDKs share.

const assert = require("node:assert/strict");
const { readFileSync } = require("node:fs");
const path = require("node:path");
const { test } = require("node:test");
const { inspect } = require("node:util");

const { Client, StilleError } = require("../src/index.js");

const server = process.env.STILLE_VECTORS;
const key = process.env.STILLE_VECTORS_KEY ?? "";
const LATE = 30_000; // milliseconds, on a busy machine; a server that hangs does so for a minute
const file = path.join(__dirname, "..", "..", "vectorstest", "vectors.ndjson");

/**
 * @typedef {{ call: "check" | "maySend" | "links" | "suppress" | "release", with: any, expect: any }} Call
 * @typedef {{ name: string, timeout?: number, retries?: number, calls: Call[], requests: number | null }} Vector
 */

test("the client does what the vectors say", { skip: !server && "go test ./shared/sdk/vectorstest starts the server" }, async () => {
  /** @type {Vector[]} */
  const vectors = readFileSync(file, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
  /** @type {string[]} */
  const faults = [];
  const queue = vectors.entries();
  const worker = async () => {
    for (const [n, vector] of queue) {
      const fault = await play(vector, `${server}/${n}`);
      if (fault) faults.push(`${vector.name}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: 16 }, worker));
  assert.deepEqual(faults, []);
});

/**
 * Makes the calls of a vector and returns what was wrong.
 * @param {Vector} vector
 * @param {string} base
 */
async function play(vector, base) {
  const timeout = vector.timeout ?? 5000;
  const client = new Client(`${base}//`, key, { timeout, retries: vector.retries });
  for (const call of vector.calls) {
    const began = performance.now();
    const { got, shown } = await make(client, call);
    const took = performance.now() - began;
    if (took > timeout + LATE) return `it took ${took} ms`;
    const all = shown + inspect(client, { showHidden: true, depth: 9 }) + JSON.stringify(client);
    if (["example.no", "912", key].some((secret) => all.includes(secret))) return `it shows an address or the key: ${all}`;
    if (!fits(call.expect, got)) return `want ${JSON.stringify(call.expect)}, got ${JSON.stringify(got).slice(0, 500)}`;
  }
  const seen = /** @type {any} */ (await (await fetch(`${base}/seen`)).json());
  if (seen.wrong || (vector.requests !== null && vector.requests !== seen.requests)) return `the server saw ${JSON.stringify(seen)}`;
  return undefined;
}

/**
 * Makes a call; returns what came and how it prints.
 * @param {Client} client
 * @param {Call} call
 */
async function make(client, { call, with: given }) {
  if (call === "maySend") {
    const got = await client.maySend(given.channel, given.address, { scope: given.scope });
    return { got, shown: inspect(got) };
  }
  const contacts =
    typeof given.contacts === "number"
      ? Array.from({ length: given.contacts }, (_, n) => ({ channel: "email", address: `k${n}@example.no` }))
      : given.contacts;
  try {
    const got = await client[call]({ ...given, contacts });
    return { got: JSON.parse(JSON.stringify(got)), shown: inspect(got) };
  } catch (error) {
    if (!(error instanceof StilleError)) throw error;
    return { got: "error", shown: inspect(error, { showHidden: true, depth: 9 }) + error.stack };
  }
}

/**
 * @param {any} expect
 * @param {any} got
 * @returns {boolean}
 */
function fits(expect, got) {
  if (expect === "unavailable") return fits({ send: false, reason: "unavailable" }, got);
  if (Array.isArray(expect)) {
    return Array.isArray(got) && got.length === expect.length && expect.every((each, n) => fitsOne(each, got[n]));
  }
  if (typeof expect === "object") return Array.isArray(got) && got.every((each) => fitsOne(expect, each));
  return expect === got;
}

/**
 * @param {any} expect
 * @param {any} got
 */
function fitsOne(expect, got) {
  return Object.entries(expect).every(([name, value]) => {
    const came = name === "since" ? got[name]?.replace(".000Z", "Z") : got[name];
    return name === "headers" ? JSON.stringify(came) === JSON.stringify(value) : (came ?? null) === value;
  });
}
