import type { Context } from "../context.ts";
import { distinct } from "../envelope/address.ts";
import { usageError } from "../errors.ts";
import { BLIND, withoutFields } from "../header/edit.ts";
import { type MessageOptions, type OpenMessage, openFile, openStream } from "../message/open.ts";
import type { SendOptions } from "./send-options.ts";
import type { SendRequest } from "./send-request.ts";

/** A message that is ready to be sent, and to whom. */
export interface SendInput {
  readonly open: OpenMessage;
  readonly recipients: readonly Buffer[];
}

/**
 * The message that is read or composed, and all of its recipients.
 * @throws {CommandError} usage, unreadable-input, unwritable-spool, bad-header; and what a signal was aborted with
 */
export async function openSendInput(
  request: SendRequest,
  options: SendOptions,
  context: Context,
): Promise<SendInput> {
  const { recipients } = request;
  const format = {
    encoding: options.encoding,
    raw: options.raw === true,
    temporaryDirectory: context.env.TMPDIR || "/tmp",
    signal: context.interrupted,
  };
  if (request.composed !== undefined) {
    const { openComposed } = await import("./send-compose.ts");
    const parties = { sender: request.sender, to: request.composed.to };
    return { open: await openComposed(request.composed, parties, options, format, context), recipients };
  }
  if (!options.readRecipients) return { open: await openInput(options.file, format, context), recipients };
  const { recipientsInHeader } = await import("../header/recipients.ts");
  let all = recipients;
  const editHeader: MessageOptions["editHeader"] = async (header) => {
    all = [...recipients, ...distinct(await recipientsInHeader(header), recipients)];
    if (all.length === 0) throw usageError("no recipients: the message names none in To, Cc or Bcc");
    return withoutFields(header, BLIND);
  };
  return { open: await openInput(options.file, { ...format, editHeader }, context), recipients: all };
}

/**
 * What a file or standard input holds.
 * @throws {CommandError} unreadable-input, unwritable-spool; and what `editHeader` throws
 */
export async function openInput(
  file: string | undefined,
  format: MessageOptions,
  context: Context,
): Promise<OpenMessage> {
  if (file !== undefined && file !== "-") return openFile(file, format);
  if (context.stdin.isTTY) {
    context.stderr.write("qmtp: reading the message from the terminal; Ctrl-D on a new line ends it\n");
  }
  return openStream(context.stdin, "standard input", format);
}
