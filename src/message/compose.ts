import { isUtf8 } from "node:buffer";
import { Readable } from "node:stream";
import MailComposer from "nodemailer/lib/mail-composer";
import type { Mailbox } from "../header/recipients.ts";
import type { Message } from "../protocol/package.ts";

/** What a message is made of. Texts and files are read when the message is. */
export interface Composition {
  /** Fields that stand in the place of those that would be made, and others. */
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
  readonly attachments: readonly { readonly filename: string; readonly content: Message }[];
}

/** Shorter texts are looked at as a whole, and go as they are where they may; in bytes. */
const SHORT = 1024 * 1024;

/** As message/rfc822 these could not be encoded (RFC 2046, 5.2.1), and would not arrive byte by byte. */
const MESSAGE_FILE = /\.(eml|mht|mhtml|mime|nws)$/i;

/** The message's bytes, as MIME (RFC 2045 to 2047, 2231). Lines may end in either way. */
export async function compose({ text, html, attachments, ...rest }: Composition): Promise<Readable> {
  const composer = new MailComposer({
    ...rest,
    ...(text !== undefined && { text: Buffer.isBuffer(text) ? text : await inUtf8(text) }),
    ...(html !== undefined && { html: await inUtf8(html) }),
    attachments: attachments.map(({ filename, content }) => ({
      filename,
      content: streamOf(content),
      ...(MESSAGE_FILE.test(filename) && { contentType: "application/octet-stream" }),
    })),
    // All files are opened by us.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return composer.compile().createReadStream();
}

/** A From field as a line, folded where it is long, for a name in any script. */
export function fromLine(from: Mailbox): string {
  const header = new MailComposer({ from: { ...from } }).compile().buildHeaders();
  return /^From:.*(?:\r?\n[ \t].*)*/m.exec(header)?.[0] ?? "";
}

/** A text as UTF-8; one that is not is taken for Latin-1, in which every byte is a letter. */
async function inUtf8(text: Message): Promise<Buffer | Readable> {
  if (text.length <= SHORT) {
    const copies: Buffer[] = [];
    for await (const chunk of text.chunks()) copies.push(Buffer.from(chunk));
    const whole = Buffer.concat(copies);
    return isUtf8(whole) ? whole : Buffer.from(whole.toString("latin1"));
  }
  return (await isAllUtf8(text)) ? streamOf(text) : Readable.from(fromLatin1(text));
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

async function* fromLatin1(text: Message): AsyncGenerator<Buffer, void> {
  for await (const chunk of text.chunks()) yield Buffer.from(chunk.toString("latin1"));
}

/** Copies: a stream reads ahead, and chunks stand only until the next is asked for. */
function streamOf(message: Message): Readable {
  return Readable.from(copiesOf(message));
}

async function* copiesOf(message: Message): AsyncGenerator<Buffer, void> {
  for await (const chunk of message.chunks()) yield Buffer.from(chunk);
}
