import { hostname } from "node:os";
import { basename } from "node:path";
import { version } from "../../package.json";
import type { Context } from "../context.ts";
import { recipientFromText } from "../envelope/address.ts";
import { quoteLocalPart } from "../envelope/quote.ts";
import { usageError } from "../errors.ts";
import { mailDate } from "../header/date.ts";
import { newMessageId } from "../header/identity.ts";
import { envelopeAddress, type Mailbox, mailboxesIn } from "../header/recipients.ts";
import type { Composition } from "../message/compose.ts";
import { type MessageOptions, type OpenMessage, openFile, openStream } from "../message/open.ts";
import type { Message } from "../protocol/package.ts";
import { openInput } from "./send-input.ts";
import type { ComposeOptions, SendOptions } from "./send-options.ts";

/** The fields of a composed message that the command line has, checked. */
export interface ComposedFields {
  readonly headers: { key: string; value: string }[];
  readonly cc: Mailbox[];
  /** Those in Cc, as an envelope has them. */
  readonly copies: readonly Buffer[];
  readonly replyTo: Mailbox[];
}

/** From whom and to whom, for the fields. */
export interface Parties {
  readonly sender: Buffer;
  readonly to: readonly Buffer[];
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
    if (values.some((value) => /[\r\n\0]/.test(value)))
      throw usageError(`--${name} has a line break; remove it`);
  }
  const copies = await mailboxesIn(cc.join(", "), "--cc", usageError);
  return {
    headers: header.map((field) => readField(field, options)),
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
  const twice = { subject, cc, "reply-to": replyTo }[name];
  if (twice !== undefined) throw usageError(`--header ${key} and --${name} exclude each other`);
  return { key, value: field.slice(colon + 1).trim() };
}

/**
 * Composes the message, which is then kept like one from a pipe.
 * @throws {CommandError} unreadable-input, unwritable-spool
 */
export async function openComposed(
  fields: ComposedFields,
  parties: Parties,
  options: SendOptions,
  format: MessageOptions,
  context: Context,
): Promise<OpenMessage> {
  const opened: OpenMessage[] = [];
  const keep = async (opening: Promise<OpenMessage>): Promise<Message> => {
    const open = await opening;
    opened.push(open);
    return open.message;
  };
  const { compose } = await import("../message/compose.ts");
  try {
    const asText = { ...format, encoding: "unix" } as const;
    const attachments = [];
    for (const path of options.attach ?? []) {
      attachments.push({
        filename: basename(path),
        content: await keep(openFile(path, { ...asText, raw: true })),
      });
    }
    const html = options.html === undefined ? undefined : await keep(openFile(options.html, asText));
    const text = readsInput(options, context)
      ? await keep(openInput(options.file, asText, context))
      : ownText(options);
    const stream = await compose({ ...fieldsOf(fields, parties, options), text, html, attachments });
    return await openStream(stream, "the composed message", format);
  } finally {
    for (const open of opened) open.close();
  }
}

function fieldsOf(
  { headers, cc, replyTo }: ComposedFields,
  { sender, to }: Parties,
  { subject, test }: ComposeOptions,
): Omit<Composition, "text" | "html" | "attachments"> {
  const date = mailDate(new Date());
  // A field that is given stands in the place of one that would be made.
  const unless = <T>(name: string, value: T) =>
    headers.some(({ key }) => key.toLowerCase() === name) ? undefined : value;
  const from = sender.length === 0 ? `MAILER-DAEMON@${hostname()}` : quoteLocalPart(sender).toString();
  return {
    headers,
    from: unless("from", { name: "", address: from }),
    to: unless(
      "to",
      to.map((recipient) => ({ name: "", address: quoteLocalPart(recipient).toString() })),
    ),
    cc: unless("cc", cc),
    replyTo: unless("reply-to", replyTo),
    subject: unless("subject", subject ?? (test && `qmtp test ${date} from ${hostname()}`)),
    date: unless("date", date),
    messageId: unless("message-id", newMessageId()),
  };
}

/** A terminal is not waited at: what a message is made of may be all in the options. */
function readsInput({ body, test, file }: ComposeOptions & { file?: string }, context: Context): boolean {
  if (body !== undefined || test) return false;
  return file !== undefined || !context.stdin.isTTY;
}

function ownText({ body, test }: ComposeOptions): string | undefined {
  if (body !== undefined) return body.endsWith("\n") ? body : `${body}\n`;
  return test && `This is a test message, which qmtp ${version} composed on ${hostname()}.\n`;
}
