import { usageError } from "../errors.ts";

/**
 * An envelope address from the command line or the environment; it may stand in angle brackets.
 * @param what its origin, for errors: "--from", "recipient 3"
 * @throws {CommandError} usage, for bytes that no server takes or that did not survive on their way here
 */
function addressFromText(text: string, what: string): Buffer {
  // Node decodes arguments as UTF-8 and puts this in place of what is none: the real bytes are gone.
  if (text.includes("\ufffd")) {
    throw usageError(
      `${what} '${text}' is not valid UTF-8; put addresses with such bytes into a file, --to-file`,
    );
  }
  const address = /^<([^<>]*)>$/.exec(text)?.[1] ?? text;
  if (/[<>]/.test(address)) throw usageError(`${what} '${text}' is more than an address; write that alone`);
  return checkedAddress(Buffer.from(address), what);
}

/**
 * What recipients in a maildir begin with; the empty string is what all begin with.
 * @throws {CommandError} usage
 */
export function prefixFromText(text: string): Buffer {
  if (text.includes("\ufffd")) throw usageError(`prefix '${text}' is not valid UTF-8, as arguments must be`);
  return checkedAddress(Buffer.from(text), "prefix");
}

/**
 * An envelope address, which may hold any bytes but control bytes.
 * @param what its origin, for errors; a function where there may be a million
 * @throws {CommandError} usage
 */
export function checkedAddress(address: Buffer, what: string | (() => string)): Buffer {
  for (let at = 0; at < address.length; at++) {
    const byte = address[at] as number;
    if (byte >= 0x20 && byte !== 0x7f) continue;
    const hex = byte.toString(16).padStart(2, "0");
    const origin = typeof what === "string" ? what : what();
    throw usageError(`${origin} '${address}' has the control byte 0x${hex} at position ${at}; remove it`);
  }
  return address;
}

/**
 * The sender; `<>` and the empty string are the null sender.
 * @throws {CommandError} usage
 */
export function senderFromText(text: string, what: string): Buffer {
  return addressFromText(text, what);
}

/**
 * A recipient, which cannot be empty.
 * @throws {CommandError} usage
 */
export function recipientFromText(text: string, what: string): Buffer {
  const address = addressFromText(text, what);
  if (address.length === 0) throw usageError(`${what} is empty; write an address`);
  return address;
}

/** Those addresses that are not among the known ones, each once: nobody shall get a message twice. */
export function distinct(addresses: readonly Buffer[], known: readonly Buffer[] = []): Buffer[] {
  const seen = new Set(known.map(identity));
  return addresses.filter((address) => {
    const before = seen.size;
    return seen.add(identity(address)).size > before;
  });
}

/** The same for addresses that are the same: domains know no case. As Latin-1, one character for each byte. */
function identity(address: Buffer): string {
  const text = address.toString("latin1");
  const domain = text.lastIndexOf("@") + 1;
  return domain === 0 ? text : text.slice(0, domain) + text.slice(domain).toLowerCase();
}
