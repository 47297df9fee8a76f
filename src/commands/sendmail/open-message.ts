import type { Context } from "../../cli/context.ts";
import { distinct } from "../../envelope/address.ts";
import { readingFailed, usageError } from "../../errors.ts";
import { mailDate } from "../../header/date.ts";
import { BLIND, completeHeader, withoutFields } from "../../header/edit.ts";
import { type Header, MBOX_LINE } from "../../header/header.ts";
import { newMessageId, qualify } from "../../header/identity.ts";
import { quoteLocalPart } from "../../header/quote.ts";
import type { InputStream } from "../../io/streams.ts";
import { type OpenMessage, readStream } from "../../message/open.ts";
import { untilDot } from "../../message/until-dot.ts";
import type { SendmailRequest } from "./read.ts";

/** A message ready to send, and its recipients. */
interface MessageToSend {
  readonly opened: OpenMessage;
  readonly recipients: readonly Buffer[];
}

/**
 * Reads the message from standard input, adds missing fields, and finds all of its recipients.
 * @throws {QmtpError} usage, unreadable-input, unwritable-spool, bad-header
 */
export async function openMessage(request: SendmailRequest, context: Context): Promise<MessageToSend> {
  const { sender, senderName, readRecipients, ignoreDots } = request;
  const { stdin, temporaryDirectory, interrupted } = context;
  let { recipients } = request;
  const editHeader = async (header: Header) => {
    if (readRecipients) {
      const { recipientsInHeader } = await import("../../header/recipients.ts");
      const found = await recipientsInHeader(header);
      recipients = [...recipients, ...distinct(found.map(qualify), recipients)];
    }
    if (recipients.length === 0) throw usageError("no recipients: the message names none in To, Cc or Bcc");
    const kept = withoutFields(header, [...BLIND, MBOX_LINE]);
    return completeHeader(header, kept, await missingFields(header, sender, senderName));
  };
  const input = ignoreDots ? stdin : upToDot(stdin);
  const format = {
    encoding: "unix",
    raw: false,
    temporaryDirectory,
    signal: interrupted,
    limit: request.route.limit,
    editHeader,
  } as const;
  try {
    const opened = await readStream(input, "standard input", format);
    return { opened, recipients };
  } catch (error) {
    throw readingFailed("the message", interrupted, error);
  }
}

function upToDot(stdin: InputStream): InputStream {
  const bytes = untilDot(stdin);
  return { [Symbol.asyncIterator]: () => bytes, destroy: () => stdin.destroy() };
}

async function missingFields(header: Header, sender: Buffer, name: string): Promise<string[]> {
  const lacks = (wanted: string) => !header.fields.some((field) => field.name === wanted);
  const lines: string[] = [];
  if (lacks("date")) lines.push(`Date: ${mailDate(new Date())}`);
  if (lacks("message-id")) lines.push(`Message-ID: ${newMessageId()}`);
  if (lacks("from")) lines.push(await fromField(sender, name));
  return lines;
}

async function fromField(sender: Buffer, name: string): Promise<string> {
  const author = sender.length === 0 ? qualify(Buffer.from("MAILER-DAEMON")) : sender;
  const address = quoteLocalPart(author).toString();
  if (name === "") return `From: ${address}`;
  if (/[\r\n\0]/.test(name)) throw usageError("-F has a line break; remove it");
  const { fromLine } = await import("../../message/compose.ts");
  return fromLine({ name, address });
}
