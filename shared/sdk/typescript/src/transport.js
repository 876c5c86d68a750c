"use strict";

const http = require("node:http");
const https = require("node:https");
const { setTimeout: sleep } = require("node:timers/promises");
const { StilleError, readProblem, unusable } = require("./answer.js");

// How many bytes of an answer are read.
const LONGEST = 8 << 20;

// Statuses that say to try again.
const BUSY = [429, 502, 503, 504];

/**
 * What went wrong; whether another attempt may help; the milliseconds to wait, if the API says.
 * @typedef {{ error: StilleError, again?: boolean, wait?: number }} Failure
 */

/** Posts to the API: within a time limit as a whole, to this address alone. */
class Transport {
  #base;
  #key;
  #timeout;
  #retries;

  /**
   * @param {string} base
   * @param {string} key
   * @param {import("./index.js").Options} options
   */
  constructor(base, key, { timeout = 10_000, retries = 2 } = {}) {
    const url = parse(base);
    if (!url) throw new TypeError("the address of the API must be like https://host");
    if (url.protocol === "http:" && !isThisMachine(url.hostname)) {
      throw new TypeError("the API key would travel in the clear: use https");
    }
    if (typeof key !== "string" || !/^[!-~]+$/.test(key)) {
      throw new TypeError("the API key must be printable ASCII without spaces");
    }
    if (typeof timeout !== "number" || !(timeout > 0 && timeout < 86_400_000)) {
      throw new TypeError("timeout must be a number of milliseconds above 0");
    }
    if (!Number.isInteger(retries) || retries < 0) throw new TypeError("retries must be a whole number from 0");
    this.#base = url.origin + url.pathname.replace(/\/+$/, "");
    this.#key = key;
    this.#timeout = timeout;
    this.#retries = retries;
  }

  /**
   * Runs a call of one or more posts, which ends when its time is over.
   * @template T
   * @param {(post: (route: string, body: string) => Promise<Uint8Array>) => Promise<T>} call
   * @returns {Promise<T>}
   */
  async within(call) {
    const ends = performance.now() + this.#timeout;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), this.#timeout);
    try {
      return await call((route, body) => this.#post(route, body, ends, controller.signal));
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {string} route
   * @param {string} body
   * @param {number} ends
   * @param {AbortSignal} signal
   */
  async #post(route, body, ends, signal) {
    for (let attempt = 0; ; attempt++) {
      const answer = await this.#attempt(route, body, signal);
      if (answer instanceof Uint8Array) return answer;
      const wait = answer.wait ?? backoff(attempt);
      if (!answer.again || attempt >= this.#retries || performance.now() + wait >= ends) throw answer.error;
      await sleep(wait);
    }
  }

  /**
   * @param {string} route
   * @param {string} body
   * @param {AbortSignal} signal
   * @returns {Promise<Uint8Array | Failure>}
   */
  async #attempt(route, body, signal) {
    try {
      const response = await this.#send(route, body, signal);
      const status = response.statusCode ?? 0;
      const bytes = await read(response);
      if (status !== 200) {
        const error = readProblem(bytes ?? new Uint8Array(), status, this.#key);
        const again = BUSY.includes(status);
        return { error, again, wait: again ? retryAfter(response.headers["retry-after"]) : undefined };
      }
      if (!bytes) return { error: unusable("it is too long") };
      const kind = (response.headers["content-type"] ?? "application/json").split(";")[0].trim().toLowerCase();
      return kind === "application/json" ? bytes : { error: unusable("it is not JSON") };
    } catch {
      // The cause may hold the request.
      return signal.aborted
        ? { error: new StilleError("the API did not answer in time") }
        : { error: new StilleError("the connection to the API broke"), again: true };
    }
  }

  /**
   * Sends a request and returns its response, whose body is still to be read. It follows no redirect.
   * @param {string} route
   * @param {string} body
   * @param {AbortSignal} signal
   * @returns {Promise<http.IncomingMessage>}
   */
  #send(route, body, signal) {
    const headers = {
      Authorization: `Bearer ${this.#key}`,
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
    };
    const { request } = this.#base.startsWith("https:") ? https : http;
    const sent = request(this.#base + route, { method: "POST", headers, signal }).end(body);
    return new Promise((resolve, reject) => {
      sent.once("response", resolve).once("close", () => reject(new Error("there is no response")));
      sent.on("error", reject); // one after the response is the response's error, too
    });
  }
}

/**
 * Returns a body, or nothing if it is too long. A body that is cut off is an error.
 * @param {http.IncomingMessage} response
 */
async function read(response) {
  const chunks = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > LONGEST) return undefined;
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** @param {string} base */
function parse(base) {
  if (typeof base !== "string" || !/^https?:\/\/[^@?#\s]+$/i.test(base) || !URL.canParse(base)) return undefined;
  return new URL(base);
}

/** @param {string} host */
function isThisMachine(host) {
  return host === "localhost" || host === "[::1]" || /^127(?:\.\d+){3}$/.test(host);
}

/**
 * Returns the milliseconds that the header says to wait, or nothing if it cannot be read.
 * @param {string | undefined} header
 */
function retryAfter(header) {
  const text = (header ?? "").trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const moment = text.endsWith("GMT") ? Date.parse(text) : NaN;
  return Number.isNaN(moment) ? undefined : Math.max(moment - Date.now(), 0);
}

/**
 * Returns a wait that doubles with every attempt, from about a tenth of a second.
 * @param {number} attempt
 */
function backoff(attempt) {
  const ceiling = 200 * 2 ** Math.min(attempt, 10);
  return ceiling / 2 + Math.random() * (ceiling / 2);
}

module.exports = { Transport };
