/** An address or a number on a channel. `region` (ISO 3166) is of a number without `+` or `00`. */
export interface Contact {
  channel: "email" | "sms";
  address: string;
  region?: string;
}

export interface Options {
  /** Milliseconds that one call may take as a whole, with its retries (10,000). */
  timeout?: number;
  /** How often a call is repeated while the API is busy or the connection breaks (2). */
  retries?: number;
}

export interface Question {
  /** A brand or a topic; without a scope, an opt-out anywhere is a no. */
  scope?: string;
  contacts: readonly Contact[];
  purpose?: "marketing" | "transactional";
  require?: "basis";
}

/** Whether one contact may be sent to: only where `send` is true. */
export interface Result {
  readonly send: boolean;
  /** Why not; `"unavailable"` when anything was wrong. */
  readonly reason?: string;
  readonly scope?: string;
  readonly since?: Date;
  /** The contact's key, the same that events carry. */
  readonly key?: string;
  readonly basis?: string;
  /** The last day of the basis. */
  readonly basisUntil?: string;
  readonly evidence?: string;
  /** What went wrong, where the reason is `"unavailable"`. */
  readonly detail?: string;
}

/** One contact's unsubscribe link and the headers to send with it, or the reason why there is none. */
export interface Link {
  readonly url?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly key?: string;
}

/** What became of one contact's opt-out. `suppressed`: the contact is now suppressed in the scope. */
export interface Suppressed {
  readonly added: boolean;
  readonly suppressed: boolean;
  readonly reason?: string;
  readonly key?: string;
}

/** What became of one contact's new consent. */
export interface Released {
  readonly released: boolean;
  readonly reason?: string;
  readonly key?: string;
}

/** One bad field of a request that the API refused. */
export interface Fault {
  readonly pointer: string;
  readonly detail: string;
}

/** A call that failed. `status` is absent if there was no answer of the API. */
export class StilleError extends Error {
  constructor(text: string, status?: number, faults?: readonly Fault[]);
  readonly status: number | undefined;
  readonly faults: readonly Fault[];
}

/** One tool's access to the API. It fails closed: any doubt is a no. */
export class Client {
  /** `base` is `"https://host"`, without `/v1`; plain http is for this machine alone. */
  constructor(base: string, key: string, options?: Options);

  /** Tells whether a marketing message may be sent to one contact. Any doubt is a no; it never rejects. */
  maySend(channel: Contact["channel"], address: string, options?: { scope?: string; region?: string }): Promise<boolean>;

  /**
   * Returns a result for every contact, in the order asked. When anything is wrong, every result says no for the
   * reason `"unavailable"`; only a contact of the wrong shape rejects, with a `TypeError`.
   */
  check(question: Question): Promise<Result[]>;

  /** Returns an unsubscribe link for every contact, in the order asked. A failed call rejects with `StilleError`. */
  links(order: { scope?: string; lang?: string; contacts: readonly Contact[] }): Promise<Link[]>;

  /** Reports that people said no. After an error, report them all again: nothing is taken twice. */
  suppress(optOut: {
    scope?: string;
    reason: string;
    contacts: readonly Contact[];
    at?: Date | string | null;
    note?: string;
  }): Promise<Suppressed[]>;

  /** Ends the silence of people who gave a new consent. After an error, show the consent again. */
  release(consent: {
    scope: string;
    contacts: readonly Contact[];
    consentedAt: Date | string;
    evidence: string;
  }): Promise<Released[]>;
}

export interface MessageHeader {
  Name: string | undefined;
  Value: string | undefined;
}

/** What `sendEmail` of SES v2 takes, as far as it matters here. */
export interface Message {
  FromEmailAddress?: string;
  Destination?: { ToAddresses?: string[]; CcAddresses?: string[]; BccAddresses?: string[] };
  Content:
    | {
        Simple?: {
          Subject: { Data: string | undefined; Charset?: string } | undefined;
          Body: { Text?: Part; Html?: Part } | undefined;
          Headers?: MessageHeader[];
        };
        Template?: { TemplateName?: string; TemplateArn?: string; TemplateData?: string; Headers?: MessageHeader[] };
        Raw?: { Data: Uint8Array | undefined };
      }
    | undefined;
  EmailTags?: Tag[];
  ConfigurationSetName?: string;
  ListManagementOptions?: undefined;
}

interface Part {
  Data: string | undefined;
  Charset?: string;
}

interface Tag {
  Name: string | undefined;
  Value: string | undefined;
}

/** What `sendBulkEmail` of SES v2 takes, as far as it matters here. */
export interface Bulk {
  FromEmailAddress?: string;
  DefaultContent:
    | { Template?: { TemplateName?: string; TemplateArn?: string; TemplateData?: string; Headers?: MessageHeader[] } }
    | undefined;
  DefaultEmailTags?: Tag[];
  BulkEmailEntries: BulkEntry[] | undefined;
  ConfigurationSetName?: string;
}

export interface BulkEntry {
  /** One recipient. */
  Destination: Message["Destination"];
  ReplacementTags?: Tag[];
  ReplacementEmailContent?: { ReplacementTemplate?: { ReplacementTemplateData?: string } };
  ReplacementHeaders?: MessageHeader[];
}

/** The ordinary client of SES v2: `new SESv2()` of `@aws-sdk/client-sesv2`. */
export interface SES {
  sendEmail(message: Message): Promise<{ MessageId?: string }>;
  sendBulkEmail(bulk: Bulk): Promise<{ BulkEmailEntryResults?: { Status?: string; MessageId?: string }[] }>;
}

export interface SenderOptions {
  /** The brand, or a topic of one. */
  scope: string;
  /** A configuration set that publishes to the stack's feedback topic. */
  configurationSet: string;
  /** The language of the link's page; the reader's own if it is absent. */
  lang?: string;
}

/**
 * What became of the message to one recipient. `reason` is a check's, or `"invalid-address"`, `"no-link"`, `"refused"`
 * (the message cannot carry its link) or `"failed"` (SES did not say that it took the message).
 */
export interface Outcome {
  readonly recipient: string;
  readonly sent: boolean;
  readonly messageId?: string;
  readonly reason?: string;
  /** Says more, and holds no address. */
  readonly detail?: string;
}

/**
 * Sends marketing through SES v2 to those who may be sent to. Each recipient gets their own message with their own
 * unsubscribe link, and is checked right before the call of SES. Anything doubtful is not sent.
 */
export class Sender {
  constructor(client: Client, ses: SES, options: SenderOptions);

  /**
   * Sends to each recipient of `Destination` who may be sent to, and returns an outcome for each: those of To, then Cc,
   * then Bcc. Where a check is `"unavailable"`, those who follow are not asked about. Only a message without recipients
   * rejects, with a `TypeError`.
   */
  send(message: Message): Promise<Outcome[]>;

  /**
   * Sends the entries of a bulk, any number, to those who may be sent to, fifty in one call of SES, and returns an outcome
   * for each entry. An entry has one recipient, whose link is in the headers and in the data of the template. The
   * recipients of a call are checked together, right before the call. Where a check is `"unavailable"`, those who follow
   * are not asked about. Only a bulk without entries rejects, with a `TypeError`.
   */
  sendBulk(bulk: Bulk): Promise<Outcome[]>;
}
