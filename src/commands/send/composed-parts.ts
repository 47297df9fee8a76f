import { recipientFromText } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import { hasLongWord } from "../../header/quote.ts";
import { envelopeAddress, type Mailbox, mailboxesIn } from "../../header/recipients.ts";
import { type AttachmentRequest, readAttachment, requireExisting } from "./attachment.ts";
import type { ComposeOptions, PackageOptions } from "./declare-package.ts";

/** The parts of a composed message that the command line gives, checked. */
export interface ComposedParts {
  readonly headers: { key: string; value: string }[];
  readonly cc: Mailbox[];
  readonly replyTo: Mailbox[];
  /** Envelope addresses from Cc, then from `--bcc`. */
  readonly copies: readonly Buffer[];
  readonly attachments: readonly AttachmentRequest[];
}

/** Fields that the composer generates, or that must not be sent. */
const RESERVED = /^(bcc|resent-bcc|mime-version|content-.*)$/;

/**
 * @param composeFlag the option that asks for a composed message
 * @throws {QmtpError} usage
 */
export async function readComposedParts(
  composeFlag: string,
  options: PackageOptions,
): Promise<ComposedParts> {
  const { raw, readRecipients, body, file, test, subject = "", header = [], replyTo = "" } = options;
  const { cc = [], bcc = [], html, attach = [] } = options;
  const excluded = raw ? "--raw" : readRecipients ? "--read-recipients" : undefined;
  if (excluded !== undefined) {
    throw usageError(`${excluded} needs an existing message, but ${composeFlag} composes one`);
  }
  const text = body !== undefined ? "--body" : "--test";
  if (file !== undefined && (body ?? test) !== undefined) {
    throw usageError(`--file and ${text} cannot be combined: both give the text`);
  }
  for (const [name, values] of Object.entries({ subject: [subject], header, cc, "reply-to": [replyTo] })) {
    for (const value of values) checkFieldText(value, name);
  }
  for (const value of bcc) checkText(value, "bcc");
  if (body?.includes("\ufffd")) throw usageError("--body is not valid UTF-8; give the text with --file");
  const headers = header.map((field) => readField(field, options));
  refuseDuplicates(headers);
  if (html !== undefined) requireExisting(html);
  const parts = {
    headers,
    cc: await mailboxesOf(cc, "--cc"),
    replyTo: await mailboxesOf([replyTo], "--reply-to"),
    attachments: attach.map(readAttachment),
  };
  const blind = await mailboxesIn(bcc.join(", "), "--bcc", usageError);
  return { ...parts, copies: [...recipientsOf(parts.cc, "--cc"), ...recipientsOf(blind, "--bcc")] };
}

/** Mailboxes for a field. */
async function mailboxesOf(lists: readonly string[], option: string): Promise<Mailbox[]> {
  const mailboxes = await mailboxesIn(lists.join(", "), option, usageError);
  if (!mailboxes.some(({ address }) => hasLongWord(address))) return mailboxes;
  throw usageError(`${option} has an address that is too long for a line; shorten it`);
}

function recipientsOf(mailboxes: readonly Mailbox[], option: string): Buffer[] {
  return mailboxes.map(({ address }) =>
    recipientFromText(envelopeAddress(address), `recipient in ${option}`, "literal"),
  );
}

function readField(field: string, options: ComposeOptions): { key: string; value: string } {
  const colon = field.indexOf(":");
  const key = field.slice(0, colon).trimEnd();
  if (colon === -1 || !/^[\x21-\x39\x3b-\x7e]+$/.test(key)) {
    throw usageError(`--header does not accept '${field}': write 'Name: value'`);
  }
  const name = key.toLowerCase();
  if (RESERVED.test(name)) {
    const remedy = name.endsWith("bcc") ? "; name recipients with --bcc" : "";
    throw usageError(`--header does not accept ${key}${remedy}`);
  }
  const { subject, cc, replyTo } = options;
  const option = Object.entries({ subject, cc, "reply-to": replyTo }).find(([one]) => one === name);
  if (option?.[1] !== undefined) throw usageError(`--header ${key} and --${name} cannot be combined`);
  const value = field.slice(colon + 1).trim();
  if (value === "") throw usageError(`--header '${field}' has no value; write 'Name: value'`);
  return { key, value };
}

function checkFieldText(text: string, option: string): void {
  checkText(text, option);
  // Other characters are encoded in words that are short enough.
  if (/[!-~]{900}/.test(text))
    throw usageError(`--${option} has a word that is too long for a line; shorten it`);
}

function checkText(text: string, option: string): void {
  if (/[\r\n\0]/.test(text)) throw usageError(`--${option} has a line break; remove it`);
  if (text.includes("\ufffd")) throw usageError(`--${option} is not valid UTF-8, as arguments must be`);
}

/** Fields that a message has only once (RFC 5322, 3.6). */
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

function refuseDuplicates(headers: readonly { key: string }[]): void {
  const names = headers.map(({ key }) => key.toLowerCase());
  const twice = headers.find(({ key }, index) => {
    const name = key.toLowerCase();
    return SINGLE.includes(name) && names.indexOf(name) !== index;
  });
  if (twice !== undefined)
    throw usageError(`--header ${twice.key} is given twice, but a message can have only one`);
}
