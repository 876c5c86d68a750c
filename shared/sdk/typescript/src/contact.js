"use strict";

/** @typedef {import("./index.js").Contact} Contact */

/**
 * Returns the contacts. A contact of another shape is the caller's mistake.
 * @param {readonly Contact[]} given
 * @returns {Contact[]}
 */
function readContacts(given) {
  if (!Array.isArray(given)) throw new TypeError("contacts must be an array");
  return given.map((/** @type {Partial<Record<string, unknown>> | null | undefined} */ contact, n) => {
    const { channel, address, region } = contact ?? {};
    if (typeof channel !== "string" || typeof address !== "string") {
      throw new TypeError(`contact ${n} must be { channel, address, region? }, all text`);
    }
    if (region !== undefined && region !== null && typeof region !== "string") {
      throw new TypeError(`the region of contact ${n} must be text`);
    }
    return /** @type {Contact} */ ({ channel, address, region: region ?? undefined });
  });
}

// How many contacts' keys are remembered.
const REMEMBERED = 10_000;

/** Remembers the last key of each contact, to notice answers that were swapped. */
class Keys {
  /** @type {Map<string, string>} */
  #last = new Map();

  /**
   * Remembers the keys of one answer and returns true, or returns false if results look swapped.
   * @param {Contact[]} contacts
   * @param {(string | undefined)[]} keys
   */
  accept(contacts, keys) {
    const names = contacts.map(({ channel, address, region }) => JSON.stringify([channel, address, region]));
    if (onTwoChannels(contacts, keys) || this.#swapped(contacts, names, keys)) return false;
    names.forEach((name, n) => {
      const key = keys[n];
      if (key === undefined) return;
      this.#last.delete(name);
      this.#last.set(name, key);
    });
    for (const name of this.#last.keys()) {
      if (this.#last.size <= REMEMBERED) break;
      this.#last.delete(name);
    }
    return true;
  }

  /**
   * @param {Contact[]} contacts
   * @param {string[]} names
   * @param {(string | undefined)[]} keys
   */
  #swapped(contacts, names, keys) {
    const places = new Map(names.map((name, n) => [name, n]));
    /** @type {Map<string, number[]>} */
    const owners = new Map();
    for (const [name, n] of places) {
      const key = this.#last.get(name);
      if (key !== undefined) owners.set(key, [...(owners.get(key) ?? []), n]);
    }
    return names.some((name, n) => {
      const [key, own] = [keys[n], this.#last.get(name)];
      const before = key === undefined || key === own ? undefined : owners.get(key);
      // A second spelling of one address has the key of the first, which keeps it.
      return before && (own !== undefined || !before.every((m) => keys[m] === key && alike(contacts[m], contacts[n])));
    });
  }
}

/**
 * Tells whether two contacts may be spellings of one: but for case and space, or the same last digits.
 * @param {Contact} one
 * @param {Contact} other
 */
function alike(one, other) {
  if (one.channel !== other.channel) return false;
  const [a, b] =
    one.channel === "email"
      ? [one, other].map(({ address }) => address.trim().toLowerCase())
      : [one, other].map(({ address }) => address.replace(/\D/g, "").slice(-7));
  return a === b;
}

/**
 * @param {Contact[]} contacts
 * @param {(string | undefined)[]} keys
 */
function onTwoChannels(contacts, keys) {
  /** @type {Map<string, string>} */
  const channels = new Map();
  return contacts.some(({ channel }, n) => {
    const key = keys[n];
    if (key === undefined) return false;
    const first = channels.get(key) ?? channel;
    channels.set(key, first);
    return first !== channel;
  });
}

module.exports = { Keys, readContacts };
