"use strict";

const { StilleError } = require("./answer.js");
const { Refused, addLink } = require("./message.js");

/** @typedef {import("./index.js").Message} Message */
/** @typedef {import("./index.js").Outcome} Outcome */
/** @typedef {import("./index.js").Link} Link */
/** @typedef {{ recipient: string, address: string, link?: Link, outcome?: Outcome }} Place */

// The two forms of a recipient: an address, or a name and an address in angle brackets.
const RECIPIENT =
  /^\s*(?:(?:"(?:[^"\\]|\\.)*"|[^<>,;:"@]*)\s*<([^<>\s,;:"]+@[^<>\s,;:"@]+)>|([^<>\s,;:"]+@[^<>\s,;:"@]+))\s*$/;

class Sender {
  #client;
  #ses;
  #scope;
  #configurationSet;
  #lang;

  /**
   * @param {import("./index.js").Client} client
   * @param {import("./index.js").SES} ses
   * @param {import("./index.js").SenderOptions} options
   */
  constructor(client, ses, { scope, configurationSet, lang }) {
    if (!/^[a-z][a-z0-9-]*(\/[a-z][a-z0-9-]*)?$/.test(scope) || scope.length > 64) {
      throw new TypeError("scope must be a brand, or a topic of one");
    }
    if (!configurationSet) throw new TypeError("without configurationSet, bounces and complaints would be lost");
    this.#client = client;
    this.#ses = ses;
    this.#scope = scope;
    this.#configurationSet = configurationSet;
    this.#lang = lang;
  }

  /**
   * @param {Message} message
   * @returns {Promise<Outcome[]>}
   */
  async send(message) {
    const places = recipients(message);
    await this.#mint(places.filter((place) => !place.outcome));
    let down = false;
    for (const place of places) {
      if (down) place.outcome ??= unsent(place, "unavailable");
      place.outcome ??= await this.#sendOne(message, place);
      down ||= place.outcome.reason === "unavailable";
    }
    return places.map(({ outcome }, n) => outcome ?? unsent(places[n], "unavailable"));
  }

  /**
   * Mints the links. Where there is none, the outcome says why.
   * @param {Place[]} places
   */
  async #mint(places) {
    const contacts = places.map(({ address }) => /** @type {const} */ ({ channel: "email", address }));
    try {
      const links = await this.#client.links({ scope: this.#scope, lang: this.#lang, contacts });
      places.forEach((place, n) => {
        place.link = links[n];
        if (!links[n].url) place.outcome = unsent(place, "no-link", links[n].reason);
      });
    } catch (error) {
      const detail = error instanceof StilleError ? error.message : "the links cannot be minted";
      for (const place of places) place.outcome = unsent(place, "unavailable", detail);
    }
  }

  /**
   * @param {Message} message
   * @param {Place} place
   * @returns {Promise<Outcome>}
   */
  async #sendOne(message, place) {
    const [brand] = this.#scope.split("/");
    const { link, address, recipient } = place;
    if (!link) return unsent(place, "no-link");
    let request;
    try {
      const alone = { ...message, Destination: { ToAddresses: [recipient] } };
      request = addLink(alone, link, { brand, configurationSet: this.#configurationSet });
    } catch (error) {
      return unsent(place, "refused", error instanceof Refused ? error.message : "it is not a request of SES");
    }
    const [result] = await this.#client.check({ scope: this.#scope, contacts: [{ channel: "email", address }] });
    if (result.send !== true) return unsent(place, result.reason ?? "unavailable", result.detail);
    if (result.key !== link.key) return unsent(place, "unavailable", "the link has the key of another contact");
    try {
      const { MessageId } = await this.#ses.sendEmail(request);
      if (MessageId) return Object.freeze({ recipient, sent: true, messageId: MessageId });
      return unsent(place, "failed", "SES gave no answer that can be used");
    } catch (error) {
      return unsent(place, "failed", code(error));
    }
  }
}

/**
 * @param {Message} message
 * @returns {Place[]}
 */
function recipients(message) {
  const { ToAddresses, CcAddresses, BccAddresses } = message.Destination ?? {};
  const given = [...(ToAddresses ?? []), ...(CcAddresses ?? []), ...(BccAddresses ?? [])];
  if (given.length === 0 || given.some((recipient) => typeof recipient !== "string")) {
    throw new TypeError("the request names no recipient in Destination");
  }
  return given.map((recipient) => {
    const found = RECIPIENT.exec(recipient);
    const place = { recipient, address: found?.[1] ?? found?.[2] ?? "" };
    return place.address ? place : { ...place, outcome: unsent(place, "invalid-address") };
  });
}

/**
 * @param {{ recipient: string }} place
 * @param {string} reason
 * @param {string} [detail]
 * @returns {Outcome}
 */
function unsent({ recipient }, reason, detail) {
  return Object.freeze({ recipient, sent: false, reason, ...(detail && { detail }) });
}

/**
 * SES's name of an error. The text of the error may hold an address.
 * @param {unknown} error
 */
function code(error) {
  const named = error instanceof Error && "$fault" in error;
  return named ? `SES answered ${error.name}` : "SES gave no answer that can be used";
}

module.exports = { Sender };
