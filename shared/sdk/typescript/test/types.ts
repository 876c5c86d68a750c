// Checked by tsc, never run: what a caller in TypeScript writes.

import { SESv2 } from "@aws-sdk/client-sesv2";
import { Client, Sender, StilleError, type Contact, type Link, type Result } from "stille";

export async function use(): Promise<Date | undefined> {
  const client = new Client("https://tools.example", "stille_key", { timeout: 5000, retries: 2 });
  const may: boolean = await client.maySend("email", "kari@example.no", { scope: "acme" });
  const contacts: readonly Contact[] = [{ channel: "sms", address: "912 34 567", region: "NO" }];
  const results: Result[] = await client.check({ scope: "acme", contacts, purpose: "marketing", require: "basis" });
  const links: Link[] = await client.links({ scope: "acme", lang: "nb", contacts });
  await client.suppress({ scope: "acme", reason: "objection", contacts, at: null, note: links[0].url });
  await client.release({ scope: "acme", contacts, consentedAt: new Date(), evidence: "form-17" });
  const sender = new Sender(client, new SESv2({}), { scope: "acme", configurationSet: "stille", lang: "nb" });
  const Simple = { Subject: { Data: "News" }, Body: { Text: { Data: "Stop: {{unsubscribeUrl}}" } } };
  const [outcome] = await sender.send({ Destination: { ToAddresses: ["kari@example.no"] }, Content: { Simple } });
  if (!outcome.sent) console.log(outcome.reason, outcome.detail);
  // @ts-expect-error a channel that there is not
  await client.maySend("post", "kari@example.no");
  // @ts-expect-error a result is not the caller's to change
  results[0].send = may;
  const error = new StilleError("it failed", 503);
  return error.status === 503 ? results[0].since : undefined;
}
