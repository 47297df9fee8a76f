import { type Hint, usageError } from "../errors.ts";

/**
 * An envelope address that came as text, with or without angle brackets.
 * @param what its origin, for errors: "sender", "recipient"
 * @param hint what to do about bytes that are not UTF-8
 * @throws {QmtpError} usage, for bytes that no server takes, or that the text has lost
 */
function addressFromText(text: string, what: string, hint?: Hint): Buffer {
  // Node decodes arguments as UTF-8, and replaces all other bytes by U+FFFD.
  if (text.includes("\ufffd")) {
    throw usageError(`${what} '${text}' is not valid UTF-8`, hint);
  }
  const address = /^<([^<>]*)>$/.exec(text)?.[1] ?? text;
  if (/[<>]/.test(address))
    throw usageError(`${what} '${text}' is not a bare address; write only the address`);
  return checkedAddress(Buffer.from(address), what);
}

/**
 * The prefix of recipients in a maildir; every recipient begins with the empty one.
 * @throws {QmtpError} usage
 */
export function prefixFromText(text: string): Buffer {
  if (text.includes("\ufffd")) throw usageError(`prefix '${text}' is not valid UTF-8, as arguments must be`);
  return checkedAddress(Buffer.from(text), "prefix");
}

/**
 * An envelope address, which may hold any bytes except control bytes.
 * @param what its origin, for errors; a function if there may be a million addresses
 * @throws {QmtpError} usage
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
 * @throws {QmtpError} usage
 */
export function senderFromText(text: string, what: string): Buffer {
  return addressFromText(text, what);
}

/**
 * A recipient, which cannot be empty.
 * @throws {QmtpError} usage
 */
export function recipientFromText(text: string, what: string): Buffer {
  const address = addressFromText(text, what, { kind: "bytes-in-file" });
  if (address.length === 0) throw usageError(`${what} is empty; write an address`);
  return address;
}

/** The addresses that are not among the known ones, each once: no recipient must get a message twice. */
export function distinct(addresses: readonly Buffer[], known: readonly Buffer[] = []): Buffer[] {
  const seen = new Set(known.map(identity));
  return addresses.filter((address) => {
    const before = seen.size;
    return seen.add(identity(address)).size > before;
  });
}

/** Equal for equal addresses: domains ignore case. As Latin-1, one character per byte. */
function identity(address: Buffer): string {
  const text = address.toString("latin1");
  const domain = text.lastIndexOf("@") + 1;
  return domain === 0 ? text : text.slice(0, domain) + text.slice(domain).toLowerCase();
}
