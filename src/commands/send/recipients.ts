import type { Context } from "../../cli/context.ts";
import { type Reading, recipientFromText } from "../../envelope/address.ts";
import { parseRecipients } from "../../envelope/recipients-file.ts";
import type { TimeLimit } from "../../io/patience.ts";
import { inputStream, openForReading } from "../../message/input.ts";
import { wholeInput } from "../../message/whole-input.ts";
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
  const stream = path === "-" ? context.stdin : await inputStream(openForReading(path));
  return wholeInput(stream, name, { signal: context.interrupted, limit });
}
