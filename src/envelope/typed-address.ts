import { type QmtpError, usageError } from "../errors.ts";
import { checkedAddress } from "./address-bytes.ts";

/** Where an address was written, for errors. */
export interface Origin {
  /** "sender", "recipient"; a function if there may be a million addresses. */
  readonly what: string | (() => string);
  /** How to write a single address there. */
  readonly single: string;
}

const TAB = 0x09;
const SPACE = 0x20;
/** What an address has only if it is quoted, enclosed in brackets or not an address: blanks, quotes, `,;<>`. */
const SPECIAL = new Set(Buffer.from(' ",;<>'));

/**
 * The address in what a person wrote: without the blanks and the angle brackets around it.
 * @throws {QmtpError} usage, for a control byte, or if it is more than an address, or several
 */
export function typedAddress(written: Buffer, origin: Origin): Buffer {
  const address = checkedAddress(withoutBlanks(written), origin.what);
  return isPlain(address) ? address : bareAddress(address, origin);
}

/** The bytes between outer spaces and tabs. */
export function withoutBlanks(bytes: Buffer): Buffer {
  let start = 0;
  let end = bytes.length;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  return bytes.subarray(start, end);
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB;
}

function isPlain(address: Buffer): boolean {
  for (let at = 0; at < address.length; at++) if (SPECIAL.has(address[at] as number)) return false;
  return true;
}

function bareAddress(address: Buffer, origin: Origin): Buffer {
  // Latin-1, because the bytes need not be UTF-8.
  const words = withoutQuotes(address.toString("latin1"));
  const enclosed = /^<[^<>]*>$/.test(words);
  const bare = enclosed ? withoutBlanks(address.subarray(1, -1)) : address;
  const inner = enclosed ? withoutQuotes(bare.toString("latin1")) : words;
  const [separator] = /[,;]/.exec(inner) ?? [];
  if (separator !== undefined) {
    throw mistaken(address, `has a ${separator === "," ? "comma" : "semicolon"}; ${origin.single}`, origin);
  }
  if (/[<>]/.test(inner))
    throw mistaken(address, `is not a bare address; ${onlyTheAddress(address)}`, origin);
  if (inner.includes(" ")) throw mistaken(address, `has a space; ${origin.single}`, origin);
  return bare;
}

/** Strings in quotes may contain anything. A quote that is never closed is a character like any other. */
function withoutQuotes(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"/g, "");
}

function onlyTheAddress(address: Buffer): string {
  const [, inner] = /^[^<>]*<([^<>\s]+)>$/.exec(address.toString()) ?? [];
  return `write only ${inner ?? "the address"}`;
}

function mistaken(address: Buffer, why: string, { what }: Origin): QmtpError {
  const origin = typeof what === "string" ? what : what();
  return usageError(`${origin} '${address}' ${why}`, { kind: "literal-address" });
}
