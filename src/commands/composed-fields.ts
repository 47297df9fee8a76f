import { recipientFromText } from "../envelope/address.ts";
import { usageError } from "../errors.ts";
import { envelopeAddress, type Mailbox, mailboxesIn } from "../header/recipients.ts";
import type { ComposeOptions, SendOptions } from "./send-options.ts";

/** The fields of a composed message that the command line has, checked. */
export interface ComposedFields {
  readonly headers: { key: string; value: string }[];
  readonly cc: Mailbox[];
  /** Those in Cc, as an envelope has them. */
  readonly copies: readonly Buffer[];
  readonly replyTo: Mailbox[];
}

/** What is made from the parts. */
const NOT_TO_SET = /^(bcc|resent-bcc|mime-version|content-.*)$/;

/**
 * @param asked the option for which the message is composed
 * @throws {CommandError} usage
 */
export async function readComposedFields(asked: string, options: SendOptions): Promise<ComposedFields> {
  const { raw, readRecipients, body, file, test, subject = "", header = [], cc = [], replyTo = "" } = options;
  const excluded = raw ? "--raw" : readRecipients ? "--read-recipients" : undefined;
  if (excluded !== undefined) {
    throw usageError(`${excluded} is for a message that is there, and ${asked} composes one`);
  }
  const text = body !== undefined ? "--body" : "--test";
  if (file !== undefined && (body ?? test) !== undefined) {
    throw usageError(`--file and ${text} exclude each other: both say what the text is`);
  }
  for (const [name, values] of Object.entries({ subject: [subject], header, cc, "reply-to": [replyTo] })) {
    for (const value of values) checkFieldText(value, name);
  }
  if (body?.includes("\ufffd")) throw usageError("--body is not valid UTF-8; give the text by --file");
  const copies = await mailboxesIn(cc.join(", "), "--cc", usageError);
  const headers = header.map((field) => readField(field, options));
  refuseDoubles(headers);
  return {
    headers,
    cc: copies,
    copies: copies.map(({ address }) => recipientFromText(envelopeAddress(address), "recipient in --cc")),
    replyTo: await mailboxesIn(replyTo, "--reply-to", usageError),
  };
}

function readField(field: string, options: ComposeOptions): { key: string; value: string } {
  const colon = field.indexOf(":");
  const key = field.slice(0, colon).trimEnd();
  if (colon === -1 || !/^[\x21-\x39\x3b-\x7e]+$/.test(key)) {
    throw usageError(`--header does not take '${field}': write 'Name: value'`);
  }
  const name = key.toLowerCase();
  if (NOT_TO_SET.test(name)) {
    const remedy = name.endsWith("bcc") ? "; name recipients, and what To shall say with --header" : "";
    throw usageError(`--header does not take ${key}${remedy}`);
  }
  const { subject, cc, replyTo } = options;
  const option = Object.entries({ subject, cc, "reply-to": replyTo }).find(([one]) => one === name);
  if (option?.[1] !== undefined) throw usageError(`--header ${key} and --${name} exclude each other`);
  const value = field.slice(colon + 1).trim();
  if (value === "") throw usageError(`--header '${field}' has no value; write 'Name: value'`);
  return { key, value };
}

/** Fields are lines, of no more than 998 bytes (RFC 5322, 2.1.1), which can be broken where there are spaces. */
function checkFieldText(text: string, option: string): void {
  if (/[\r\n\0]/.test(text)) throw usageError(`--${option} has a line break; remove it`);
  if (text.includes("\ufffd")) throw usageError(`--${option} is not valid UTF-8, as arguments must be`);
  if (/[!-~]{900}/.test(text))
    throw usageError(`--${option} has a word that no line has room for; shorten it`);
}

/** Those that a message has once (RFC 5322, 3.6). */
const SINGLE = [
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "message-id",
  "date",
  "subject",
  "in-reply-to",
  "references",
];

function refuseDoubles(headers: readonly { key: string }[]): void {
  const names = headers.map(({ key }) => key.toLowerCase());
  const twice = headers.find(({ key }, index) => {
    const name = key.toLowerCase();
    return SINGLE.includes(name) && names.indexOf(name) !== index;
  });
  if (twice !== undefined) throw usageError(`--header ${twice.key} stands twice, and a message has it once`);
}
