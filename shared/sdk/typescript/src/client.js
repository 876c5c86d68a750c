"use strict";

const answers = require("./answer.js");
const { Keys, readContacts } = require("./contact.js");
const { Transport } = require("./transport.js");

/** @typedef {import("./index.js").Contact} Contact */
/** @typedef {import("./index.js").Result} Result */

// Contacts in one call of the API.
const AT_ONCE = 1000;

class Client {
  #transport;
  #keys = new Keys();

  /**
   * @param {string} base
   * @param {string} key
   * @param {import("./index.js").Options} [options]
   */
  constructor(base, key, options) {
    this.#transport = new Transport(base, key, options ?? {});
  }

  /**
   * @param {Contact["channel"]} channel
   * @param {string} address
   * @param {{ scope?: string, region?: string }} [options]
   * @returns {Promise<boolean>}
   */
  async maySend(channel, address, options) {
    try {
      const { scope, region } = options ?? {};
      const [result] = await this.check({ scope, contacts: [{ channel, address, region }] });
      return result.send;
    } catch {
      return false;
    }
  }

  /**
   * @param {import("./index.js").Question} question
   * @returns {Promise<Result[]>}
   */
  async check({ scope, contacts, purpose, require: required }) {
    const asked = readContacts(contacts);
    try {
      const results = await this.#call("/v1/check", { scope, purpose, require: required }, asked, answers.readChecks);
      if (this.#keys.accept(asked, results.map((result) => result.key))) return results;
      throw answers.unusable("its results look swapped");
    } catch (error) {
      const detail = error instanceof answers.StilleError ? error.message : "the check failed";
      return asked.map(() => Object.freeze({ send: false, reason: "unavailable", detail }));
    }
  }

  /** @type {import("./index.js").Client["links"]} */
  async links({ scope, lang, contacts }) {
    return this.#each("/v1/links", { scope, lang }, contacts, answers.readLink);
  }

  /** @type {import("./index.js").Client["suppress"]} */
  async suppress({ scope, reason, contacts, at, note }) {
    return this.#each("/v1/suppressions", { scope, reason, at, note }, contacts, answers.readSuppressed);
  }

  /** @type {import("./index.js").Client["release"]} */
  async release({ scope, contacts, consentedAt, evidence }) {
    const members = { scope, consentedAt, evidence };
    return this.#each("/v1/suppressions/release", members, contacts, answers.readReleased);
  }

  /**
   * @template T
   * @param {string} route
   * @param {Record<string, unknown>} members
   * @param {readonly Contact[]} contacts
   * @param {(result: Record<string, unknown>, channel: string) => T} readOne
   * @returns {Promise<T[]>}
   */
  #each(route, members, contacts, readOne) {
    return this.#call(route, members, readContacts(contacts), (bytes, part) =>
      answers.readResults(bytes, part.length).results.map((result, n) => readOne(result, part[n].channel)),
    );
  }

  /**
   * Makes one call for each thousand contacts.
   * @template T
   * @param {string} route
   * @param {Record<string, unknown>} members
   * @param {Contact[]} asked
   * @param {(bytes: Uint8Array, part: Contact[]) => T[]} readPart
   * @returns {Promise<T[]>}
   */
  #call(route, members, asked, readPart) {
    return this.#transport.within(async (post) => {
      const results = [];
      for (let first = 0; first < asked.length; first += AT_ONCE) {
        const part = asked.slice(first, first + AT_ONCE);
        results.push(...readPart(await post(route, encode(members, part)), part));
      }
      return results;
    });
  }
}

/**
 * @param {Record<string, unknown>} members
 * @param {Contact[]} contacts
 */
function encode(members, contacts) {
  return JSON.stringify({ ...members, contacts }, (_, value) => {
    if (typeof value === "string" && /\p{Surrogate}/u.test(value)) {
      throw new answers.StilleError("a text of the request is not Unicode");
    }
    return value ?? undefined;
  });
}

module.exports = { Client };
