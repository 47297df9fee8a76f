import type { Context } from "../../cli/context.ts";
import { type Reading, recipientFromText } from "../../envelope/address.ts";
import { parseRecipients } from "../../envelope/recipients-file.ts";
import { inputTimeout, readingFailed, systemCode, unreadable, unreadableArgument } from "../../errors.ts";
import { onAbort } from "../../io/abort.ts";
import { startWait, type TimeLimit } from "../../io/patience.ts";
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
  limit?: TimeLimit,
): Promise<readonly Buffer[]> {
  let recipients: Buffer[] = [];
  for (const { kind, value } of sources) {
    if (kind === "address") recipients.push(recipientFromText(value, "recipient", reading));
    else {
      const name = value === "-" ? "standard input" : value;
      const listed = parseRecipients(await contentOf(value, name, context, limit), name, reading);
      // Not concat for the first list: it may have a million recipients.
      recipients = recipients.length === 0 ? listed : recipients.concat(listed);
    }
  }
  return recipients;
}

async function contentOf(
  path: string,
  name: string,
  context: Context,
  limit: TimeLimit | undefined,
): Promise<Buffer> {
  const { interrupted } = context;
  const stream = path === "-" ? context.stdin : await inputStream(openForReading(path));
  const copies: Buffer[] = [];
  const wait = startWait({ signal: interrupted, limit }, (ms) => inputTimeout(name, ms, copies.length > 0));
  const { signal } = wait;
  const stopListening = onAbort(signal, () => stream.destroy());
  try {
    // A chunk may be valid only until the next one is read.
    for await (const chunk of stream) copies.push(Buffer.from(chunk));
    signal.throwIfAborted();
    return Buffer.concat(copies);
  } catch (error) {
    if (signal.aborted) throw readingFailed(name, interrupted, signal.reason);
    throw (systemCode(error) === "EISDIR" ? unreadableArgument : unreadable)(name, error);
  } finally {
    wait.end();
    stopListening();
    stream.destroy();
  }
}
