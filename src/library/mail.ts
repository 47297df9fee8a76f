import { recipientFromText, senderFromText } from "../envelope/address.ts";
import { usageError } from "../errors.ts";
import type { Encoding } from "../protocol/package.ts";
import type { MessageInput } from "./message.ts";

/** A message to send, and its envelope. */
export interface Mail {
  /** The envelope sender; the empty string is the null sender. */
  readonly sender: string | Uint8Array;
  /** Envelope recipients, in order; duplicates are kept. */
  readonly recipients: string | Uint8Array | readonly (string | Uint8Array)[];
  /** The message with its header. */
  readonly message: MessageInput;
  /** How lines end on the wire; by default `unix`, which every server accepts. */
  readonly encoding?: Encoding | undefined;
  /** Sends the bytes as they are, only labelled with the encoding; otherwise, line ends are converted to it. */
  readonly raw?: boolean | undefined;
  /** Aborts this message; the others are still sent. */
  readonly signal?: AbortSignal | undefined;
}

/** @throws {QmtpError} usage */
export function envelopeOf(mail: Mail): { sender: Buffer; recipients: Buffer[] } {
  if (typeof mail !== "object" || mail === null)
    throw usageError("send takes an object: { sender, recipients, message }");
  const { sender, recipients } = mail;
  const list: readonly unknown[] = Array.isArray(recipients) ? recipients : [recipients];
  if (list.length === 0) throw usageError("no recipients: name one at least");
  return {
    sender: addressOf(sender, "sender", (text) => senderFromText(text, "sender", "literal")),
    recipients: list.map((one) =>
      addressOf(one, "recipient", (text) => recipientFromText(text, "recipient", "literal")),
    ),
  };
}

/** Bytes may be any; a text may not contain control characters. */
function addressOf(address: unknown, what: string, fromText: (text: string) => Buffer): Buffer {
  if (typeof address === "string") return fromText(address);
  if (address instanceof Uint8Array) return Buffer.from(address);
  throw usageError(`a ${what} is a string or bytes`);
}
