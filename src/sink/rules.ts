import type { Response } from "../protocol/response.ts";

/** A response for recipients that match. */
export interface RecipientRule {
  readonly pattern: Pattern;
  readonly response: Response;
}

/** A regular expression. */
export interface Pattern {
  test(text: string): boolean;
}

/** What the sink accepts. */
export interface AcceptanceRules {
  /** The first rule that matches counts; a recipient that matches none is accepted. */
  readonly recipients: readonly RecipientRule[];
  readonly maxBytes: number;
  readonly maxRecipients: number;
}

const failure = (text: string): Response => ({ status: "failure", text: Buffer.from(text) });

/** The default texts of refusals and deferrals. */
export const RULE_TEXTS = {
  failure: "sorry, this recipient is refused here (#5.7.1)",
  deferral: "sorry, this recipient is deferred here (#4.3.0)",
} as const;

const BAD_RECIPIENT = failure("sorry, I can't store a recipient with these bytes (#5.1.3)");
const BAD_SENDER = failure("sorry, I can't store a sender with these bytes (#5.1.7)");
/** For recipients beyond the limits, which are only counted. */
export const TOO_MANY = failure("sorry, that package has too many recipients (#5.5.3)");
const TOO_LARGE = failure("sorry, that message size exceeds my limit (#5.3.4)");

/** The response that refuses all recipients of a package, or undefined. */
export function refusalOfAll(
  sender: Buffer,
  messageBytes: number,
  rules: AcceptanceRules,
): Response | undefined {
  if (messageBytes > rules.maxBytes) return TOO_LARGE;
  return storable(sender) ? undefined : BAD_SENDER;
}

/** The response that refuses or defers a recipient, or undefined if it is accepted. */
export function refusal(recipient: Buffer, { recipients }: AcceptanceRules): Response | undefined {
  if (!storable(recipient)) return BAD_RECIPIENT;
  if (recipients.length === 0) return undefined;
  const text = recipient.toString("utf8");
  return recipients.find(({ pattern }) => pattern.test(text))?.response;
}

/** Whether an address fits on a line of a maildir file's head. */
function storable(address: Buffer): boolean {
  return !address.includes(0x0a) && !address.includes(0x00);
}
