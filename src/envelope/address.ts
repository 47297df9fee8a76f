import { type Hint, usageError } from "../errors.ts";
import { checkAddress } from "./address-bytes.ts";
import { type Origin, typedAddress } from "./typed-address.ts";

/** How to read an address: as people type it, or byte for byte. */
export type Reading = "typed" | "literal";

/**
 * Reads the sender; `<>` and the empty string are the null sender.
 * @param what where it was written, for error messages
 * @throws {QmtpError} usage
 */
export function senderFromText(text: string, what: string, reading: Reading): Buffer {
  if (text === "" || text === "<>") return Buffer.alloc(0);
  const address = addressFromText(text, { what, single: "write one address" }, reading);
  if (address.length > 0) return address;
  throw usageError(`${what} '${text}' is blank; write an address, or '' for the null sender`);
}

/**
 * Reads a recipient, which cannot be empty.
 * @param what where it was written, for error messages
 * @throws {QmtpError} usage
 */
export function recipientFromText(text: string, what: string, reading: Reading): Buffer {
  const origin = { what, single: "write one address per argument" };
  const address = addressFromText(text, origin, reading, { kind: "bytes-in-file" });
  if (address.length === 0) throw usageError(`${what} is empty; write an address`);
  return address;
}

/**
 * @param hint what to do about bytes that are not UTF-8
 * @throws {QmtpError} usage, for bytes that no server accepts, or that were lost when Node decoded the text
 */
function addressFromText(
  text: string,
  origin: Origin & { what: string },
  reading: Reading,
  hint?: Hint,
): Buffer {
  // Node decodes arguments as UTF-8, and replaces invalid bytes by U+FFFD.
  if (text.includes("\ufffd")) throw usageError(`${origin.what} '${text}' is not valid UTF-8`, hint);
  const bytes = Buffer.from(text);
  return reading === "literal" ? checkAddress(bytes, origin.what) : typedAddress(bytes, origin);
}

/**
 * Reads the prefix of recipients in a maildir; the empty prefix matches all.
 * @throws {QmtpError} usage
 */
export function prefixFromText(text: string): Buffer {
  if (text.includes("\ufffd")) throw usageError(`prefix '${text}' is not valid UTF-8, as arguments must be`);
  return checkAddress(Buffer.from(text), "prefix");
}

/** The addresses that are not among the others, without duplicates: no recipient must get a message twice. */
export function distinct(addresses: readonly Buffer[], others: readonly Buffer[] = []): Buffer[] {
  const seen = new Set(others.map(comparable));
  return addresses.filter((address) => {
    const before = seen.size;
    return seen.add(comparable(address)).size > before;
  });
}

/** A key that is equal for equal addresses: the case of domains does not matter. Latin-1 keeps every byte. */
function comparable(address: Buffer): string {
  const text = address.toString("latin1");
  const domain = text.lastIndexOf("@") + 1;
  return domain === 0 ? text : text.slice(0, domain) + text.slice(domain).toLowerCase();
}
