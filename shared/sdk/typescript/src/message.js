"use strict";

/** @typedef {import("./index.js").Link} Link */
/** @typedef {import("./index.js").Message} Message */
/** @typedef {import("./index.js").MessageHeader} MessageHeader */

const LINK = "List-Unsubscribe";
const POST = "List-Unsubscribe-Post";
const ONE_CLICK = "List-Unsubscribe=One-Click";

// How many characters SES takes for a header's name and value together.
const LONGEST_HEADER = 996;

// Replaced by the link in the bodies of a Simple message; members of the data of a Template. The second is SES's own.
const PLACEHOLDERS = ["unsubscribeUrl", "amazonSESUnsubscribeUrl"];

/** A message that cannot carry its link. The text says what to change, and holds no address and no link. */
class Refused extends Error {}

/**
 * Returns the message to one recipient with the link, the configuration set and the brand's tag.
 * @param {Message} message
 * @param {Link} link
 * @param {{ brand: string, configurationSet: string }} sender
 * @returns {Message}
 */
function addLink(message, link, { brand, configurationSet }) {
  checkLink(link);
  if (message.ListManagementOptions) throw new Refused("with ListManagementOptions, SES replaces the link");
  if ((message.ConfigurationSetName || configurationSet) !== configurationSet) {
    throw new Refused("it has another configuration set");
  }
  const tags = [...(message.EmailTags ?? [])];
  const named = tags.filter((tag) => tag.Name === "brand");
  if (named.some((tag) => tag.Value !== brand)) throw new Refused(`it is tagged with another brand than ${brand}`);
  if (named.length === 0) tags.push({ Name: "brand", Value: brand });
  return {
    ...message,
    Content: addToContent(message.Content, link),
    ConfigurationSetName: configurationSet,
    EmailTags: tags,
  };
}

/**
 * Returns an entry of a bulk with the link, and with all tags and data that are the entry's: SES takes those of the bulk
 * for none of the entry's own.
 * @param {import("./index.js").Bulk} bulk
 * @param {import("./index.js").BulkEntry} entry
 * @param {Link} link
 * @param {{ brand: string, configurationSet: string }} sender
 * @returns {import("./index.js").BulkEntry}
 */
function addLinkToEntry(bulk, entry, link, sender) {
  const template = bulk.DefaultContent?.Template;
  if (!template) throw new Refused("many are sent a Template, and it has none");
  const own = entry.ReplacementEmailContent?.ReplacementTemplate?.ReplacementTemplateData;
  const tags = entry.ReplacementTags ?? [];
  const others = (bulk.DefaultEmailTags ?? []).filter(({ Name }) => !tags.some((tag) => tag.Name === Name));
  const linked = addLink(
    {
      Content: { Template: { TemplateData: own || template.TemplateData, Headers: entry.ReplacementHeaders } },
      ConfigurationSetName: bulk.ConfigurationSetName,
      EmailTags: [...tags, ...others],
    },
    link,
    sender,
  );
  const { TemplateData, Headers } = linked.Content?.Template ?? {};
  return {
    ...entry,
    ReplacementEmailContent: { ReplacementTemplate: { ReplacementTemplateData: TemplateData } },
    ReplacementHeaders: Headers,
    ReplacementTags: linked.EmailTags,
  };
}

/**
 * Refuses a link that a mailbox provider would not take, or that could add another header line.
 * @param {Link} link
 */
function checkLink({ url, headers }) {
  for (const name of [LINK, POST]) {
    const value = headers[name];
    if (!value) throw new Refused(`the link has no header ${name}`);
    if (name.length + value.length > LONGEST_HEADER) {
      throw new Refused(`the header ${name} is longer than the ${LONGEST_HEADER} characters that SES takes`);
    }
    if (!/^[ -~]+$/.test(value)) {
      throw new Refused(`the header ${name} holds a line break or another character that no header may`);
    }
  }
  if (!url || !headers[LINK].includes(`<${url}>`)) throw new Refused(`the header ${LINK} does not hold the link`);
  if (headers[POST] !== ONE_CLICK) throw new Refused(`the header ${POST} must be ${ONE_CLICK}`);
}

/**
 * @param {Message["Content"]} content
 * @param {Link} link
 * @returns {Message["Content"]}
 */
function addToContent(content, link) {
  const { Simple, Template, Raw } = content ?? {};
  const forms = [Simple, Template, Raw].filter(Boolean).length;
  if (forms !== 1) {
    throw new Refused(`its content must be one of Simple, Template and Raw, and is ${forms} of them`);
  }
  if (Simple) return { Simple: addToSimple(Simple, link) };
  if (Template) return { Template: addToTemplate(Template, link) };
  return { Raw: { ...Raw, Data: addLines(Raw?.Data, link) } };
}

/**
 * @param {readonly MessageHeader[] | undefined} given
 * @param {Link} link
 * @returns {MessageHeader[]}
 */
function addHeaders(given, link) {
  const headers = [...(given ?? [])];
  for (const { Name } of headers) refuseOurs(Name ?? "");
  return [...headers, ...[LINK, POST].map((name) => ({ Name: name, Value: link.headers[name] }))];
}

/** @param {string} name */
function refuseOurs(name) {
  for (const ours of [LINK, POST]) {
    if (name.toLowerCase() === ours.toLowerCase()) throw new Refused(`it has a header ${ours} already`);
  }
}

/**
 * @param {NonNullable<NonNullable<Message["Content"]>["Simple"]>} simple
 * @param {Link} link
 */
function addToSimple(simple, link) {
  const Headers = addHeaders(simple.Headers, link);
  const Body = { ...simple.Body };
  const url = link.url ?? "";
  if (Body.Text) Body.Text = fill(Body.Text, url);
  if (Body.Html) Body.Html = fill(Body.Html, url.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;"));
  return { ...simple, Body, Headers };
}

/**
 * @param {{ Data?: string }} part
 * @param {string} url
 */
function fill(part, url) {
  const data = PLACEHOLDERS.reduce((text, name) => text.replaceAll(`{{${name}}}`, () => url), part.Data ?? "");
  return { ...part, Data: data };
}

/**
 * @param {NonNullable<NonNullable<Message["Content"]>["Template"]>} template
 * @param {Link} link
 */
function addToTemplate(template, link) {
  const data = template.TemplateData?.trim() || "{}";
  const members = parse(data);
  if (typeof members !== "object" || members === null || Array.isArray(members)) {
    throw new Refused("its TemplateData is not a JSON object");
  }
  for (const name of PLACEHOLDERS) {
    if (Object.hasOwn(members, name)) throw new Refused(`its TemplateData has a member ${name} already`);
  }
  const added = JSON.stringify(Object.fromEntries(PLACEHOLDERS.map((name) => [name, link.url]))).slice(1);
  const separator = Object.keys(members).length > 0 ? "," : "";
  // The caller's own members stay as they are written.
  const TemplateData = data.slice(0, -1).trimEnd() + separator + added;
  return { ...template, TemplateData, Headers: addHeaders(template.Headers, link) };
}

/**
 * @param {string} text
 * @returns {unknown}
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Puts the header lines above those of a MIME message, with the message's own line ends.
 * @param {Uint8Array | undefined} data
 * @param {Link} link
 */
function addLines(data, link) {
  if (!(data instanceof Uint8Array)) throw new Refused("its raw data must be a Uint8Array");
  const text = Buffer.from(data).toString("latin1");
  const ends = /\r?\n\r?\n/.exec(text);
  const lines = ends ? text.slice(0, ends.index).replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/) : [];
  if (lines.length === 0) throw new Refused("its raw data does not begin with header lines");
  let recipients = 0;
  for (const line of lines) {
    const found = /^([!-9;-~]+):(.*)$/s.exec(line);
    if (!found) throw new Refused("its raw data does not begin with header lines");
    const name = found[1].toLowerCase();
    refuseOurs(name);
    if (name === "dkim-signature") {
      throw new Refused("it is signed already, and the signature would not cover the link: sign it afterwards");
    }
    if (["to", "cc", "bcc"].includes(name)) recipients += found[2].split(/[@,]/).length - 1;
  }
  if (recipients > 1) throw new Refused("it has several recipients: a link is one person's");
  const end = /^[^\n]*\r\n/.test(text) ? "\r\n" : "\n";
  const ours = [LINK, POST].map((name) => `${name}: ${link.headers[name]}${end}`).join("");
  return new Uint8Array(Buffer.concat([Buffer.from(ours, "latin1"), data]));
}

module.exports = { Refused, addLink, addLinkToEntry };
