import { type QmtpError, usageError } from "../errors.ts";
import { checkAddress } from "./address-bytes.ts";

/** Where an address was written, for error messages. */
export interface Origin {
  /** "sender", "recipient"; a function if there may be a million addresses. */
  readonly what: string | (() => string);
  /** How to write a single address there, for errors about several. */
  readonly single: string;
}

const TAB = 0x09;
const SPACE = 0x20;
/** By byte, whether it shows that an address is quoted, in brackets, or not an address: blanks, quotes, `,;<>`. */
const SPECIAL = new Uint8Array(256);
for (const byte of Buffer.from(' ",;<>')) SPECIAL[byte] = 1;

/**
 * The address that a person typed, without surrounding blanks and angle brackets.
 * @throws {QmtpError} usage, for a control byte, several addresses, or anything beside the address
 */
export function typedAddress(written: Buffer, origin: Origin): Buffer {
  const address = checkAddress(withoutBlanks(written), origin.what);
  return isPlain(address) ? address : bareAddress(address, origin);
}

/** The bytes without leading and trailing spaces and tabs. */
export function withoutBlanks(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  // A million addresses have no blanks, and need no other object each.
  return end - start === bytes.length ? bytes : bytes.subarray(start, end);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isPlain(address: Buffer): boolean {
  for (let at = 0; at < address.length; at++) if (SPECIAL[address[at] as number] === 1) return false;
  return true;
}

function bareAddress(address: Buffer, origin: Origin): Buffer {
  // Latin-1, because the bytes may not be UTF-8.
  const words = withoutQuotes(address.toString("latin1"));
  const enclosed = /^<[^<>]*>$/.test(words);
  const bare = enclosed ? withoutBlanks(address.subarray(1, -1)) : address;
  const inner = enclosed ? withoutQuotes(bare.toString("latin1")) : words;
  const [separator] = /[,;]/.exec(inner) ?? [];
  if (separator !== undefined) {
    throw addressError(
      address,
      `has a ${separator === "," ? "comma" : "semicolon"}; ${origin.single}`,
      origin,
    );
  }
  if (/[<>]/.test(inner))
    throw addressError(address, `is not a bare address; ${onlyTheAddress(address)}`, origin);
  if (inner.includes(" ")) throw addressError(address, `has a space; ${origin.single}`, origin);
  return bare;
}

/** Removes quoted strings, which may contain anything. A quote that is never closed is an ordinary character. */
function withoutQuotes(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, "");
}

function onlyTheAddress(address: Buffer): string {
  const [, inner] = /^[^<>]*<([^<>\s]+)>$/.exec(address.toString()) ?? [];
  return `write only ${inner ?? "the address"}`;
}

function addressError(address: Buffer, why: string, { what }: Origin): QmtpError {
  const origin = typeof what === "string" ? what : what();
  return usageError(`${origin} '${address}' ${why}`, { kind: "literal-address" });
}
