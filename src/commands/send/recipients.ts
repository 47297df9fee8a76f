import type { Context } from "../../cli/context.ts";
import { type Reading, recipientFromText } from "../../envelope/address.ts";
import { parseRecipients } from "../../envelope/recipients-file.ts";
import { readingFailed, systemCode, unreadable, unreadableArgument } from "../../errors.ts";
import { onAbort } from "../../io/abort.ts";
import { inputStream, openForReading } from "../../message/input.ts";
import type { RecipientSource } from "./declare-package.ts";

/**
 * Reads the recipients from the command line and from files, in order, with duplicates.
 * @throws {QmtpError} usage, unreadable-input
 */
export async function readSources(
  sources: readonly RecipientSource[],
  reading: Reading,
  context: Context,
): Promise<readonly Buffer[]> {
  let recipients: Buffer[] = [];
  for (const { kind, value } of sources) {
    if (kind === "address") recipients.push(recipientFromText(value, "recipient", reading));
    else {
      const name = value === "-" ? "standard input" : value;
      const listed = parseRecipients(await contentOf(value, name, context), name, reading);
      // Not concat for the first list: it may have a million recipients.
      recipients = recipients.length === 0 ? listed : recipients.concat(listed);
    }
  }
  return recipients;
}

async function contentOf(path: string, name: string, context: Context): Promise<Buffer> {
  const { interrupted } = context;
  const stream = path === "-" ? context.stdin : await inputStream(openForReading(path));
  const stopListening = onAbort(interrupted, () => stream.destroy());
  try {
    return await wholeOf(stream);
  } catch (error) {
    const known = systemCode(error) === "EISDIR" ? unreadableArgument : unreadable;
    throw readingFailed(name, interrupted, known(name, error));
  } finally {
    stopListening();
    stream.destroy();
  }
}

async function wholeOf(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const copies: Buffer[] = [];
  // A chunk may be valid only until the next one is read.
  for await (const chunk of chunks) copies.push(Buffer.from(chunk));
  return Buffer.concat(copies);
}
