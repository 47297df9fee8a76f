import type { Context } from "../../cli/context.ts";
import { distinct } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import { BLIND, withoutFields } from "../../header/edit.ts";
import type { MessageOptions, OpenMessage } from "../../message/open.ts";
import { openInput } from "./open-input.ts";
import type { PackageRequest } from "./read-package.ts";

/** A message ready to send, and its recipients. */
export interface MessageToSend {
  readonly opened: OpenMessage;
  readonly recipients: readonly Buffer[];
}

/**
 * Opens or composes the message, and determines its recipients.
 * @param reading the time for it, and what to call while a file is read
 * @returns undefined if there is nothing to send because standard input is empty
 * @throws {QmtpError} usage, unreadable-input, unwritable-spool, bad-header; and what a signal was aborted with
 */
export async function openMessage(
  request: PackageRequest,
  context: Context,
  reading: Pick<MessageOptions, "limit" | "onRead"> = {},
): Promise<MessageToSend | undefined> {
  const { recipients, message } = request;
  const { encoding, raw, readRecipients, source, skipEmpty, composition } = message;
  const { temporaryDirectory, interrupted: signal } = context;
  const format = { encoding, raw, temporaryDirectory, signal, ...reading };
  if (composition !== undefined) {
    const { openComposed } = await import("./open-composed.ts");
    const opened = await openComposed(composition, skipEmpty, format, context);
    return opened && { opened, recipients };
  }
  if (readRecipients) return openAndReadRecipients(request, format, context);
  const opened = await openInput(source, "the message", format, context);
  return skipEmpty && opened.message.length === 0 ? undefined : { opened, recipients };
}

async function openAndReadRecipients(
  { recipients, message: { source, skipEmpty } }: PackageRequest,
  format: MessageOptions,
  context: Context,
): Promise<MessageToSend | undefined> {
  const { recipientsInHeader } = await import("../../header/recipients.ts");
  let all = recipients;
  let headerLength = 0;
  const editHeader: MessageOptions["editHeader"] = async (header) => {
    headerLength = header.bytes.length;
    all = [...recipients, ...distinct(await recipientsInHeader(header), recipients)];
    if (all.length === 0 && headerLength > 0) throw noRecipients();
    return withoutFields(header, BLIND);
  };
  const opened = await openInput(source, "the message", { ...format, editHeader }, context);
  // Count the header: if it had nothing but Bcc, it has been removed by now.
  if (skipEmpty && headerLength + opened.message.length === 0) return undefined;
  if (all.length > 0) return { opened, recipients: all };
  opened.close();
  throw noRecipients();
}

function noRecipients(): Error {
  return usageError("no recipients: the message names none in To, Cc or Bcc");
}
