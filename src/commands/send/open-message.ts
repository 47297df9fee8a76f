import { basename } from "node:path";
import type { Context } from "../../cli/context.ts";
import { distinct } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import { BLIND, withoutFields } from "../../header/edit.ts";
import { type MessageOptions, type OpenMessage, openFile, openStream } from "../../message/open.ts";
import type { Message } from "../../protocol/package.ts";
import type { CompositionRequest } from "./composition.ts";
import type { SendRequest } from "./read.ts";

/** A message that is ready to be sent, and its recipients. */
export interface Opened {
  readonly open: OpenMessage;
  readonly recipients: readonly Buffer[];
}

/**
 * Opens or composes the message, and finds all of its recipients.
 * @throws {QmtpError} usage, unreadable-input, unwritable-spool, bad-header; and what a signal was aborted with
 */
export async function openMessage({ recipients, message }: SendRequest, context: Context): Promise<Opened> {
  const { encoding, raw, readRecipients, source, composition } = message;
  const { temporaryDirectory, interrupted: signal } = context;
  const format = { encoding, raw, temporaryDirectory, signal };
  if (composition !== undefined) {
    return { open: await openComposed(composition, format, context), recipients };
  }
  if (!readRecipients) return { open: await openInput(source, format, context), recipients };
  const { recipientsInHeader } = await import("../../header/recipients.ts");
  let all = recipients;
  const editHeader: MessageOptions["editHeader"] = async (header) => {
    all = [...recipients, ...distinct(await recipientsInHeader(header), recipients)];
    if (all.length === 0) throw usageError("no recipients: the message names none in To, Cc or Bcc");
    return withoutFields(header, BLIND);
  };
  return { open: await openInput(source, { ...format, editHeader }, context), recipients: all };
}

/** @param source a path, or `-` for standard input */
async function openInput(source: string, format: MessageOptions, context: Context): Promise<OpenMessage> {
  if (source !== "-") return openFile(source, format);
  if (context.stdin.isTTY) {
    context.say("reading the message from the terminal; end it with Ctrl-D on a new line");
  }
  return openStream(context.stdin, "standard input", format);
}

/** Composes the message; the result is spooled like one from a pipe. */
async function openComposed(
  { fields, text, html, attachments }: CompositionRequest,
  format: MessageOptions,
  context: Context,
): Promise<OpenMessage> {
  const opened: OpenMessage[] = [];
  const keep = async (opening: Promise<OpenMessage>): Promise<Message> => {
    const open = await opening;
    opened.push(open);
    return open.message;
  };
  const { compose } = await import("../../message/compose.ts");
  try {
    const asText = { ...format, encoding: "unix" } as const;
    const attached = [];
    for (const path of attachments) {
      const content = await keep(openFile(path, { ...asText, raw: true }));
      attached.push({ filename: basename(path), content });
    }
    const stream = await compose({
      ...fields,
      html: html === undefined ? undefined : await keep(openFile(html, asText)),
      text: typeof text === "string" ? await keep(openInput(text, asText, context)) : text,
      attachments: attached,
    });
    return await openStream(stream, "the composed message", format);
  } finally {
    for (const open of opened) open.close();
  }
}
