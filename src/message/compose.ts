import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import MailComposer from "nodemailer/lib/mail-composer";
import type { Mailbox } from "../header/recipients.ts";
import type { Message } from "../protocol/package.ts";

/** The parts of a message. Texts and attachments are read while the message is read. */
export interface Composition {
  /** Extra fields; they replace generated ones of the same name. */
  readonly headers: { key: string; value: string }[];
  readonly from: Mailbox | undefined;
  readonly to: Mailbox[] | undefined;
  readonly cc: Mailbox[] | undefined;
  readonly replyTo: Mailbox[] | undefined;
  readonly subject: string | undefined;
  readonly date: string | undefined;
  readonly messageId: string | undefined;
  readonly text: Buffer | Message | undefined;
  readonly html: Message | undefined;
  readonly attachments: readonly Attachment[];
}

export interface Attachment {
  readonly name: string;
  /** Media type; if undefined, the one its name suggests. */
  readonly type: string | undefined;
  readonly content: Message;
}

/** Bytes up to which a text is kept in memory, so that it can be sent unencoded if possible. */
const MAX_HELD = 1024 * 1024;

/** Files that would become message/rfc822, which must not be encoded (RFC 2046, 5.2.1) and might change in transit. */
const MESSAGE_FILE = /\.(eml|mht|mhtml|mime|nws)$/i;

/** Bytes of a piece of a stream, which reads several ahead. */
const PIECE = 65_536;

/** The message's bytes, as MIME (RFC 2045 to 2047, 2231). Lines may end with LF or CRLF. */
export async function compose({ text, html, attachments, ...rest }: Composition): Promise<Readable> {
  const composer = new MailComposer({
    ...rest,
    ...(text !== undefined && { text: Buffer.isBuffer(text) ? text : await toUtf8(text) }),
    ...(html !== undefined && { html: await toUtf8(html) }),
    attachments: attachments.map(({ name, type, content }) => ({
      filename: name,
      content: streamOf(content),
      contentType: type ?? (MESSAGE_FILE.test(name) ? "application/octet-stream" : undefined),
    })),
    // We open all files ourselves.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().createReadStream();
}

/** A From field as a line, folded if it is long, and encoded if the name is not ASCII. */
export function fromLine(from: Mailbox): string {
  const header = new MailComposer({ from: { ...from } }).compile().buildHeaders();
  return /^From:.*(?:\r?\n[ \t].*)*/m.exec(header)?.[0] ?? "";
}

/** A text as UTF-8. Anything else is read as Latin-1, in which every byte is a character. */
async function toUtf8(text: Message): Promise<Buffer | Readable> {
  if (text.length <= MAX_HELD) {
    const copies: Buffer[] = [];
    for await (const chunk of text.chunks()) copies.push(Buffer.from(chunk));
    const whole = Buffer.concat(copies);
    return isUtf8(whole) ? whole : Buffer.from(whole.toString("latin1"));
  }
  return (await isAllUtf8(text)) ? streamOf(text) : Readable.from(latin1ToUtf8(text));
}

async function isAllUtf8(text: Message): Promise<boolean> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    for await (const chunk of text.chunks()) decoder.decode(chunk, { stream: true });
    decoder.decode();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}

async function* latin1ToUtf8(text: Message): AsyncGenerator<Buffer, void> {
  for await (const chunk of text.chunks()) yield Buffer.from(chunk.toString("latin1"));
}

/** Copies the chunks, because a stream reads ahead and a chunk is valid only until the next one is read. */
function streamOf(message: Message): Readable {
  return Readable.from(copiesOf(message));
}

async function* copiesOf(message: Message): AsyncGenerator<Buffer, void> {
  for await (const chunk of message.chunks()) {
    for (let at = 0; at < chunk.length; at += PIECE) yield Buffer.from(chunk.subarray(at, at + PIECE));
  }
}
