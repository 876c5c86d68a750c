"use strict";

const { isObject, parseObject } = require("./json.js");

/** @typedef {import("./index.js").Result} Result */
/** @typedef {import("./index.js").Fault} Fault */
/** @typedef {Record<string, unknown>} Members */

// How far asOf may be from the caller's clock, in milliseconds.
const FRESH = 5 * 60 * 1000;

class StilleError extends Error {
  /**
   * @param {string} text
   * @param {number} [status]
   * @param {readonly Fault[]} [faults]
   */
  constructor(text, status, faults = []) {
    super([text, ...faults.map((fault) => `${fault.pointer} ${fault.detail}`)].join("; "));
    this.name = "StilleError";
    this.status = status;
    this.faults = faults;
  }
}

/**
 * An error about an answer of status 200. It quotes nothing of the answer.
 * @param {string} why
 */
function unusable(why) {
  return new StilleError(`the API's answer cannot be used: ${why}`);
}

/**
 * Returns an answer and its results, one for each contact.
 * @param {Uint8Array} body
 * @param {number} count
 */
function readResults(body, count) {
  const answer = parseObject(body);
  if (!answer) throw unusable("it is not a JSON object");
  const { results } = answer;
  if (!Array.isArray(results) || !results.every(isObject)) throw unusable("it has no results");
  if (results.length !== count) throw unusable(`it has ${results.length} results for ${count} contacts`);
  return { answer, results };
}

/**
 * Returns the results of a check; refuses an answer that is not of now.
 * @param {Uint8Array} body
 * @param {{ length: number }} contacts
 * @returns {Result[]}
 */
function readChecks(body, { length: count }) {
  const { answer, results } = readResults(body, count);
  const asOf = time(answer, "asOf");
  if (!asOf || Math.abs(Date.now() - asOf.getTime()) > FRESH) {
    throw unusable("it is not of the last five minutes: compare the clocks");
  }
  return results.map(readCheck);
}

/**
 * @param {Members} result
 * @returns {Result}
 */
function readCheck(result) {
  const { send } = result;
  const [reason, scope, key] = [text(result, "reason"), text(result, "scope"), text(result, "key")];
  const since = time(result, "since");
  if (send !== true && send !== false) throw unusable("a result says neither yes nor no");
  if (send && (reason !== undefined || scope !== undefined || since)) {
    throw unusable("a result says yes, with a reason against it");
  }
  if (send && !key) throw unusable("a result says yes without a contact's key");
  if (!send && !reason) throw unusable("a result says no without a reason");
  const [basis, basisUntil, evidence] = [result.basis, result.basisUntil, result.evidence].map(textOrNothing);
  return given({ send, reason, scope, since, key: key || undefined, basis, basisUntil, evidence });
}

/**
 * Returns a link that can be put into a message of the channel, or the reason why there is none.
 * @param {Members} result
 * @param {string} channel
 * @returns {import("./index.js").Link}
 */
function readLink(result, channel) {
  const [url, reason, key] = [text(result, "url"), text(result, "reason"), text(result, "key")];
  const headers = result.headers ?? {};
  if (!isTexts(headers)) throw unusable("the headers of a link are not text");
  if (Boolean(url) === Boolean(reason)) throw unusable("a result is neither a link nor a reason why there is none");
  if (url && channel === "email" && !(headers["List-Unsubscribe"] && headers["List-Unsubscribe-Post"])) {
    throw unusable("a link lacks a header");
  }
  return given({ url: url || undefined, headers, reason: reason || undefined, key });
}

/**
 * @param {Members} result
 * @returns {import("./index.js").Suppressed}
 */
function readSuppressed(result) {
  const { added, suppressed = false } = result;
  const [reason, key] = [text(result, "reason"), text(result, "key")];
  if (typeof added !== "boolean" || (suppressed !== null && typeof suppressed !== "boolean") || (added && reason)) {
    throw unusable("a result does not say what was done");
  }
  return given({ added, suppressed: suppressed === true, reason: reason || undefined, key });
}

/**
 * @param {Members} result
 * @returns {import("./index.js").Released}
 */
function readReleased(result) {
  const { released } = result;
  const [reason, key] = [text(result, "reason"), text(result, "key")];
  if (typeof released !== "boolean" || released === Boolean(reason)) {
    throw unusable("a result does not say what was done");
  }
  return given({ released, reason: reason || undefined, key });
}

/**
 * Returns what an answer other than 200 says. Text that may hold an address or the key is withheld.
 * @param {Uint8Array} body
 * @param {number} status
 * @param {string} key
 */
function readProblem(body, status, key) {
  const problem = parseObject(body) ?? {};
  /** @param {string} said */
  const harmless = (said) => (said.includes(key) || /@|%40|\d(?:\W*\d){4}/.test(said) ? "[withheld]" : said);
  const title = typeof problem.title === "string" ? `: ${harmless(problem.title)}` : "";
  const faults = [];
  for (const fault of Array.isArray(problem.errors) ? problem.errors : []) {
    if (isObject(fault) && typeof fault.pointer === "string" && typeof fault.detail === "string") {
      faults.push({ pointer: harmless(fault.pointer), detail: harmless(fault.detail) });
    }
  }
  return new StilleError(`the API answered ${status}${title}`, status, faults);
}

/**
 * A member that is text; absent where it is null.
 * @param {Members} members
 * @param {string} name
 */
function text(members, name) {
  const value = members[name] ?? undefined;
  if (value !== undefined && typeof value !== "string") throw unusable(`${name} is not text`);
  return value;
}

/** @param {unknown} value */
function textOrNothing(value) {
  return typeof value === "string" ? value : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, string>}
 */
function isTexts(value) {
  return isObject(value) && Object.values(value).every((each) => typeof each === "string");
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/;

/**
 * A member that is a time of RFC 3339; absent where it is null.
 * @param {Members} members
 * @param {string} name
 */
function time(members, name) {
  const written = text(members, name);
  if (written === undefined) return undefined;
  const found = RFC3339.exec(written);
  if (!found) throw unusable(`${name} is not a time`);
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const [offsetHour, offsetMinute] = [Number(found[9] ?? 0), Number(found[10] ?? 0)];
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second, Number(`0.${found[7] ?? 0}`) * 1000));
  const exact = local.getUTCMonth() === month - 1 && local.getUTCDate() === day && local.getUTCHours() === hour;
  if (!exact || minute > 59 || second > 59 || offsetHour > 23 || offsetMinute > 59) {
    throw unusable(`${name} is not a time`);
  }
  const offset = (offsetHour * 60 + offsetMinute) * 60_000;
  return new Date(local.getTime() + (found[8] === "-" ? offset : -offset));
}

/**
 * Freezes an object, without the members that are undefined.
 * @template {object} T
 * @param {T} members
 * @returns {T}
 */
function given(members) {
  const present = Object.entries(members).filter(([, value]) => value !== undefined);
  return /** @type {T} */ (Object.freeze(Object.fromEntries(present)));
}

module.exports = { StilleError, readChecks, readLink, readProblem, readReleased, readResults, readSuppressed, unusable };
