import { hostname } from "node:os";
import { version } from "../../../package.json";
import type { Context } from "../../cli/context.ts";
import { usageError } from "../../errors.ts";
import { mailDate } from "../../header/date.ts";
import { newMessageId } from "../../header/identity.ts";
import { hasLongWord, quoteLocalPart } from "../../header/quote.ts";
import type { Mailbox } from "../../header/recipients.ts";
import type { Composition } from "../../message/compose.ts";
import type { AttachmentRequest } from "./attachment.ts";
import type { ComposedParts } from "./composed-parts.ts";
import type { PackageOptions } from "./declare-package.ts";
import { partsOnStandardInput } from "./standard-input.ts";

/** The parts of a message to compose. */
export interface CompositionRequest {
  readonly fields: Omit<Composition, "text" | "html" | "attachments">;
  /** The text (a buffer), or the file to read it from (`-` is standard input); undefined if there is none. */
  readonly text: Buffer | string | undefined;
  /** A path, or `-` for standard input. */
  readonly html: string | undefined;
  readonly attachments: readonly AttachmentRequest[];
}

/**
 * The given parts, with defaults for fields that are missing.
 * @throws {QmtpError} usage, if an address does not fit on a line
 */
export function compositionRequest(
  parts: ComposedParts,
  { sender, to }: { readonly sender: Buffer; readonly to: readonly Buffer[] },
  options: PackageOptions,
  context: Context,
): CompositionRequest {
  const { headers, cc, replyTo, attachments } = parts;
  const { subject, test, html } = options;
  const date = mailDate(new Date());
  const unlessSet = <T>(name: string, value: () => T) =>
    headers.some(({ key }) => key.toLowerCase() === name) ? undefined : value();
  const author = sender.length === 0 ? Buffer.from(`MAILER-DAEMON@${hostname()}`) : sender;
  return {
    fields: {
      headers,
      from: unlessSet("from", () => mailboxOf(author, "sender", "From")),
      to: unlessSet("to", () => to.map((recipient) => mailboxOf(recipient, "recipient", "To"))),
      cc: unlessSet("cc", () => cc),
      replyTo: unlessSet("reply-to", () => replyTo),
      subject: unlessSet("subject", () => subject ?? (test && `qmtp test ${date} from ${hostname()}`)),
      date: unlessSet("date", () => date),
      messageId: unlessSet("message-id", newMessageId),
    },
    text: textOf(options, attachments, context),
    html,
    attachments,
  };
}

function mailboxOf(address: Buffer, what: string, field: string): Mailbox {
  const quoted = quoteLocalPart(address).toString();
  if (!hasLongWord(quoted)) return { name: "", address: quoted };
  const shown = `${quoted.slice(0, 100)}...`;
  throw usageError(
    `${what} '${shown}' is too long for a line; shorten it, or give ${field} a value with --header`,
  );
}

/** The text. It is read from a terminal only if there is nothing else to send. */
function textOf(
  options: PackageOptions,
  attachments: readonly AttachmentRequest[],
  context: Context,
): Buffer | string | undefined {
  const { body, test, file, html } = options;
  if (body === "" && html !== undefined) return undefined;
  const text = body ?? (test && `This is a test message, which qmtp ${version} composed on ${hostname()}.`);
  if (text !== undefined) return Buffer.from(text.endsWith("\n") ? text : `${text}\n`);
  if (file !== undefined) return file;
  if (partsOnStandardInput(options, attachments).length > 0) return undefined;
  const hasContent = html !== undefined || attachments.length > 0;
  return hasContent && context.stdin.isTTY ? undefined : "-";
}
