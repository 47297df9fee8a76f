import type { Response } from "../protocol/response.ts";

/** What the sink accepts. */
export interface AcceptanceRules {
  readonly reject?: RegExp | undefined;
  readonly defer?: RegExp | undefined;
  readonly maxBytes: number;
  readonly maxRecipients: number;
}

const failure = (text: string): Response => ({ status: "failure", text: Buffer.from(text) });

const REJECTED = failure("sorry, this recipient is refused here (#5.7.1)");
const DEFERRED: Response = {
  status: "deferral",
  text: Buffer.from("sorry, this recipient is deferred here (#4.3.0)"),
};
const BAD_RECIPIENT = failure("sorry, I can't store a recipient with these bytes (#5.1.3)");
const BAD_SENDER = failure("sorry, I can't store a sender with these bytes (#5.1.7)");
/** For recipients beyond the maximum, which are counted and not kept. */
export const TOO_MANY = failure("sorry, that package has too many recipients (#5.5.3)");
const TOO_LARGE = failure("sorry, that message size exceeds my limit (#5.3.4)");

/** The refusal of every recipient of a package, or undefined. */
export function refusalOfAll(
  sender: Buffer,
  messageBytes: number,
  rules: AcceptanceRules,
): Response | undefined {
  if (messageBytes > rules.maxBytes) return TOO_LARGE;
  return storable(sender) ? undefined : BAD_SENDER;
}

/** The refusal or deferral of one recipient, or undefined if the message is accepted. */
export function refusal(recipient: Buffer, rules: AcceptanceRules): Response | undefined {
  if (!storable(recipient)) return BAD_RECIPIENT;
  if (rules.reject === undefined && rules.defer === undefined) return undefined;
  const text = recipient.toString("utf8");
  if (rules.reject?.test(text)) return REJECTED;
  return rules.defer?.test(text) ? DEFERRED : undefined;
}

/** Whether the head of a file in a maildir can hold the address, which has a line of its own there. */
function storable(address: Buffer): boolean {
  return !address.includes(0x0a) && !address.includes(0x00);
}
