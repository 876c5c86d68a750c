"use strict";

// Deeper JSON is refused.
const DEEPEST = 1000;

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:]/gs;

/**
 * Returns the JSON object of a body. Unlike JSON.parse, it refuses an object with a name twice, a byte order mark, bytes
 * that are no UTF-8, and an escape of half a character.
 * @param {Uint8Array} bytes
 * @returns {Record<string, unknown> | undefined}
 */
function parseObject(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    /** @type {unknown} */
    const value = JSON.parse(text);
    return isObject(value) && isStrict(text) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Tells whether no object of a valid JSON text has a name twice, and no text of it half a character.
 * @param {string} text
 */
function isStrict(text) {
  /** @type {Set<string>[]} */
  const open = [];
  let last = "";
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      if (open.push(new Set()) > DEEPEST) return false;
    } else if (token.includes("\\u")) {
      if (/\p{Surrogate}/u.test(JSON.parse(token))) return false;
    } else if (token === "}" || token === "]") {
      open.pop();
    } else if (token === ":") {
      const names = open.at(-1);
      const name = String(JSON.parse(last));
      if (!names || names.has(name)) return false;
      names.add(name);
    }
    last = token;
  }
  return true;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

module.exports = { isObject, parseObject };
