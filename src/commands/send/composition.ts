import { hostname } from "node:os";
import { version } from "../../../package.json";
import type { Context } from "../../cli/context.ts";
import { recipientFromText } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import { mailDate } from "../../header/date.ts";
import { newMessageId } from "../../header/identity.ts";
import { quoteLocalPart } from "../../header/quote.ts";
import { envelopeAddress, type Mailbox, mailboxesIn } from "../../header/recipients.ts";
import type { Composition } from "../../message/compose.ts";
import type { ComposeOptions, SendOptions } from "./declare.ts";

/** What to compose a message from. */
export interface CompositionRequest {
  readonly fields: Omit<Composition, "text" | "html" | "attachments">;
  /** The text itself, or a file to read it from (`-`: standard input), or undefined if there is none. */
  readonly text: Buffer | string | undefined;
  /** Paths. */
  readonly html: string | undefined;
  readonly attachments: readonly string[];
}

/** The fields of a composed message that the command line gives, checked. */
export interface GivenFields {
  readonly headers: { key: string; value: string }[];
  readonly cc: Mailbox[];
  /** Those in Cc, as envelope addresses. */
  readonly copies: readonly Buffer[];
  readonly replyTo: Mailbox[];
}

/** Fields that the composer makes, or that must not be sent. */
const NOT_TO_SET = /^(bcc|resent-bcc|mime-version|content-.*)$/;

/**
 * @param asked the option for which the message is composed
 * @throws {QmtpError} usage
 */
export async function readGivenFields(asked: string, options: SendOptions): Promise<GivenFields> {
  const { raw, readRecipients, body, file, test, subject = "", header = [], cc = [], replyTo = "" } = options;
  const excluded = raw ? "--raw" : readRecipients ? "--read-recipients" : undefined;
  if (excluded !== undefined) {
    throw usageError(`${excluded} needs an existing message, but ${asked} composes one`);
  }
  const text = body !== undefined ? "--body" : "--test";
  if (file !== undefined && (body ?? test) !== undefined) {
    throw usageError(`--file and ${text} cannot be combined: both give the text`);
  }
  for (const [name, values] of Object.entries({ subject: [subject], header, cc, "reply-to": [replyTo] })) {
    for (const value of values) checkFieldText(value, name);
  }
  if (body?.includes("\ufffd")) throw usageError("--body is not valid UTF-8; give the text with --file");
  const copies = await mailboxesIn(cc.join(", "), "--cc", usageError);
  const headers = header.map((field) => readField(field, options));
  refuseDoubles(headers);
  return {
    headers,
    cc: copies,
    copies: copies.map(({ address }) =>
      recipientFromText(envelopeAddress(address), "recipient in --cc", "literal"),
    ),
    replyTo: await mailboxesIn(replyTo, "--reply-to", usageError),
  };
}

/** What to compose: the given fields, and defaults for the others. */
export function compositionRequest(
  given: GivenFields,
  { sender, to }: { readonly sender: Buffer; readonly to: readonly Buffer[] },
  options: SendOptions,
  context: Context,
): CompositionRequest {
  const { headers, cc, replyTo } = given;
  const { subject, test, html, attach = [] } = options;
  const date = mailDate(new Date());
  const unlessGiven = <T>(name: string, value: T) =>
    headers.some(({ key }) => key.toLowerCase() === name) ? undefined : value;
  const from = sender.length === 0 ? `MAILER-DAEMON@${hostname()}` : quoteLocalPart(sender).toString();
  return {
    fields: {
      headers,
      from: unlessGiven("from", { name: "", address: from }),
      to: unlessGiven(
        "to",
        to.map((recipient) => ({ name: "", address: quoteLocalPart(recipient).toString() })),
      ),
      cc: unlessGiven("cc", cc),
      replyTo: unlessGiven("reply-to", replyTo),
      subject: unlessGiven("subject", subject ?? (test && `qmtp test ${date} from ${hostname()}`)),
      date: unlessGiven("date", date),
      messageId: unlessGiven("message-id", newMessageId()),
    },
    text: textOf(options, context),
    html,
    attachments: attach,
  };
}

/** Without `--file`, a terminal is not read: the options may say all that the message needs. */
function textOf({ body, test, file }: SendOptions, context: Context): Buffer | string | undefined {
  const text = body ?? (test && `This is a test message, which qmtp ${version} composed on ${hostname()}.`);
  if (text !== undefined) return Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
  return file ?? (context.stdin.isTTY ? undefined : "-");
}

function readField(field: string, options: ComposeOptions): { key: string; value: string } {
  const colon = field.indexOf(":");
  const key = field.slice(0, colon).trimEnd();
  if (colon === -1 || !/^[\x21-\x39\x3b-\x7e]+$/.test(key)) {
    throw usageError(`--header does not take '${field}': write 'Name: value'`);
  }
  const name = key.toLowerCase();
  if (NOT_TO_SET.test(name)) {
    const remedy = name.endsWith("bcc") ? "; name recipients, and set To with --header" : "";
    throw usageError(`--header does not take ${key}${remedy}`);
  }
  const { subject, cc, replyTo } = options;
  const option = Object.entries({ subject, cc, "reply-to": replyTo }).find(([one]) => one === name);
  if (option?.[1] !== undefined) throw usageError(`--header ${key} and --${name} cannot be combined`);
  const value = field.slice(colon + 1).trim();
  if (value === "") throw usageError(`--header '${field}' has no value; write 'Name: value'`);
  return { key, value };
}

/** A line holds at most 998 bytes (RFC 5322, 2.1.1), and can be folded only at spaces. */
function checkFieldText(text: string, option: string): void {
  if (/[\r\n\0]/.test(text)) throw usageError(`--${option} has a line break; remove it`);
  if (text.includes("\ufffd")) throw usageError(`--${option} is not valid UTF-8, as arguments must be`);
  if (/[!-~]{900}/.test(text))
    throw usageError(`--${option} has a word that is too long for a line; shorten it`);
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

function refuseDoubles(headers: readonly { key: string }[]): void {
  const names = headers.map(({ key }) => key.toLowerCase());
  const twice = headers.find(({ key }, index) => {
    const name = key.toLowerCase();
    return SINGLE.includes(name) && names.indexOf(name) !== index;
  });
  if (twice !== undefined)
    throw usageError(`--header ${twice.key} is given twice, but a message has it only once`);
}
