"use strict";

const { StilleError } = require("./answer.js");
const { Refused, addLink, addLinkToEntry } = require("./message.js");

/** @typedef {import("./index.js").Message} Message */
/** @typedef {import("./index.js").Bulk} Bulk */
/** @typedef {import("./index.js").BulkEntry} BulkEntry */
/** @typedef {import("./index.js").Outcome} Outcome */
/** @typedef {import("./index.js").Link} Link */
/** @typedef {{ recipient: string, address: string, link?: Link, outcome?: Outcome }} Place */

// Entries in one call of SES.
const AT_ONCE = 50;

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
    const given = recipients(message.Destination);
    if (given.length === 0) throw new TypeError("the request names no recipient in Destination");
    const places = given.map(begin);
    await this.#mint(places);
    for (const place of places) {
      place.outcome ??= await this.#sendOne(message, place);
      if (isUnavailable(place)) giveUp(places);
    }
    return places.map(({ outcome }, n) => outcome ?? unsent(places[n], "unavailable"));
  }

  /**
   * @param {Bulk} bulk
   * @returns {Promise<Outcome[]>}
   */
  async sendBulk(bulk) {
    const given = bulk.BulkEmailEntries;
    if (!Array.isArray(given) || given.length === 0) throw new TypeError("the request has no BulkEmailEntries");
    const places = given.map((entry) => {
      const to = recipients(entry?.Destination);
      return begin(to.length === 1 ? to[0] : "");
    });
    for (let first = 0; first < places.length; first += AT_ONCE) {
      const part = places.slice(first, first + AT_ONCE);
      await this.#sendPart(bulk, part, given.slice(first, first + AT_ONCE));
      if (part.some(isUnavailable)) giveUp(places);
    }
    return places.map(({ outcome }, n) => outcome ?? unsent(places[n], "unavailable"));
  }

  /**
   * Mints the links. Where there is none, the outcome says why.
   * @param {Place[]} all
   */
  async #mint(all) {
    const places = all.filter((place) => !place.outcome);
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
   * Returns the request with the place's link. Where the request cannot carry it, the outcome says why.
   * @template Request
   * @param {Place} place
   * @param {(...given: any[]) => Request} add
   * @param {unknown[]} requests
   * @returns {Request | undefined}
   */
  #linked(place, add, ...requests) {
    const [brand] = this.#scope.split("/");
    try {
      return add(...requests, place.link, { brand, configurationSet: this.#configurationSet });
    } catch (error) {
      const why = error instanceof Refused ? error.message : "it is not a request of SES";
      place.outcome = unsent(place, "refused", why);
      return undefined;
    }
  }

  /**
   * Asks about the recipients in one call. The outcome of who may not be sent to says why.
   * @param {Place[]} places
   */
  async #check(places) {
    const contacts = places.map(({ address }) => /** @type {const} */ ({ channel: "email", address }));
    const results = await this.#client.check({ scope: this.#scope, contacts });
    results.forEach(({ send, reason, detail, key }, n) => {
      const place = places[n];
      if (send !== true) place.outcome = unsent(place, reason ?? "unavailable", detail);
      else if (key !== place.link?.key) {
        place.outcome = unsent(place, "unavailable", "the link has the key of another contact");
      }
    });
  }

  /**
   * @param {Message} message
   * @param {Place} place
   * @returns {Promise<Outcome>}
   */
  async #sendOne(message, place) {
    const alone = { ...message, Destination: { ToAddresses: [place.recipient] } };
    const request = this.#linked(place, addLink, alone);
    if (request) await this.#check([place]);
    if (!request || place.outcome) return place.outcome ?? unsent(place, "refused");
    try {
      return taken(place, await this.#ses.sendEmail(request));
    } catch (error) {
      return unsent(place, "failed", code(error));
    }
  }

  /**
   * Sends one call's entries to the recipients that the check allows, and to nobody where the check is unavailable.
   * @param {Bulk} bulk
   * @param {Place[]} part
   * @param {BulkEntry[]} entries
   */
  async #sendPart(bulk, part, entries) {
    await this.#mint(part);
    const linked = part.map((place, n) => (place.outcome ? undefined : this.#linked(place, addLinkToEntry, bulk, entries[n])));
    const asked = part.filter((place) => !place.outcome);
    await this.#check(asked);
    const sent = asked.filter((place) => !place.outcome);
    if (part.some(isUnavailable) || sent.length === 0) return;
    const BulkEmailEntries = linked.flatMap((entry, n) => (entry && !part[n].outcome ? [entry] : []));
    try {
      const answer = await this.#ses.sendBulkEmail({ ...bulk, ConfigurationSetName: this.#configurationSet, BulkEmailEntries });
      const results = answer.BulkEmailEntryResults ?? [];
      sent.forEach((place, n) => {
        const result = results.length === sent.length ? results[n] : {};
        const status = result.Status;
        place.outcome =
          status && status !== "SUCCESS" ? unsent(place, "failed", `SES answered ${status}`) : taken(place, status ? result : {});
      });
    } catch (error) {
      for (const place of sent) place.outcome = unsent(place, "failed", code(error));
    }
  }
}

/**
 * @param {Message["Destination"]} destination
 * @returns {string[]}
 */
function recipients(destination) {
  const { ToAddresses, CcAddresses, BccAddresses } = destination ?? {};
  const given = [...(ToAddresses ?? []), ...(CcAddresses ?? []), ...(BccAddresses ?? [])];
  if (given.some((recipient) => typeof recipient !== "string")) {
    throw new TypeError("a recipient in Destination is no text");
  }
  return given;
}

/**
 * @param {string} recipient
 * @returns {Place}
 */
function begin(recipient) {
  const found = RECIPIENT.exec(recipient);
  const place = { recipient, address: found?.[1] ?? found?.[2] ?? "" };
  return place.address ? place : { ...place, outcome: unsent(place, "invalid-address") };
}

/** @param {Place} place */
function isUnavailable({ outcome }) {
  return outcome?.reason === "unavailable";
}

/** @param {Place[]} places */
function giveUp(places) {
  for (const place of places) place.outcome ??= unsent(place, "unavailable");
}

/**
 * The outcome of a message that SES took, if SES gave the message an id.
 * @param {{ recipient: string }} place
 * @param {{ MessageId?: string }} answer
 * @returns {Outcome}
 */
function taken({ recipient }, { MessageId }) {
  if (MessageId) return Object.freeze({ recipient, sent: true, messageId: MessageId });
  return unsent({ recipient }, "failed", "SES gave no answer that can be used");
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
