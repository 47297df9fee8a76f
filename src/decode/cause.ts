import { isDigit } from "../protocol/netstring.ts";
import type { PackagePart } from "../protocol/package-reader.ts";
import type { Direction } from "./events.ts";

const LF = 0x0a;
const CR = 0x0d;
const LETTERS = ["K", "Z", "D"];

/** What is not QMTP at all, by its first bytes. */
const FOREIGN: ReadonlyArray<readonly [RegExp, string]> = [
  [/^[2-5]\d\d[ -]/, "this is SMTP: a server's greeting or reply"],
  [/^(EHLO|HELO|LHLO|MAIL|RCPT|QUIT|RSET|STAR)/i, "this is SMTP: a client's command"],
  [/^\x16\x03/, "this is TLS; only what is inside can be decoded"],
  [/^(GET |POST|HEAD|HTTP)/, "this is HTTP"],
  [/^(\xd4\xc3\xb2\xa1|\xa1\xb2[\xc3\x3c][\xd4\x4d]|\x4d\x3c\xb2\xa1|\n\r\r\n)/, "this is a capture file"],
  [/^\x1f\x8b/, "this is compressed with gzip"],
  [/^From /, "this is a mailbox, not what is sent by QMTP"],
  [/^(Retu|Rece|Deli|From|Subj|Date|To: |Mess)/, "this is a message as it is, not encoded"],
];

/** How much of the beginning `foreignCause` looks at, in bytes. */
export const FIRST_BYTES = 5;

/** @param first the first bytes of a stream */
export function foreignCause(first: Buffer): string | undefined {
  const text = first.subarray(0, FIRST_BYTES).toString("latin1");
  return FOREIGN.find(([pattern]) => pattern.test(text))?.[1];
}

/** A guess from the offending byte. */
export function byteCause(
  direction: Direction,
  part: PackagePart | "text",
  byte: number,
  before: number | undefined,
): string | undefined {
  const character = String.fromCharCode(byte);
  if (part === "text") {
    return byte === LF || byte === CR ? "this is a message: these are packages, not responses" : undefined;
  }
  if (part === "encoding") {
    if (LETTERS.includes(character)) return "this is a response: these are responses, not packages";
    if (/\d/.test(character)) return "a netstring within a netstring: this may be QMQP";
    return "the byte that names the encoding is missing";
  }
  if (part === "body" || part === "comma") return undefined;
  return lengthCause(direction, part, character, before);
}

function lengthCause(
  direction: Direction,
  part: PackagePart,
  character: string,
  before: number | undefined,
): string | undefined {
  const atStart = !isDigit(before);
  if (/\d/.test(character)) return "leading zero";
  if (/[\r\n]/.test(character)) {
    return atStart
      ? "a line break where a netstring begins: there is nothing between netstrings"
      : "a line break in a length: only a colon follows the digits";
  }
  if (/\s/.test(character)) return "white space: netstrings have none around their lengths";
  if (character === "-") return "a negative length";
  if (/[a-fx]/i.test(character) && !atStart) return "lengths are decimal";
  if (character === "," && part === "recipients")
    return "the list of recipients is shorter than its length says";
  if (character === "," && part === "length") return "a comma too many";
  if (LETTERS.includes(character) && direction === "responses" && atStart)
    return "a response without its length";
  return undefined;
}

/** What should be in a length instead of this byte. */
export function expectedLength(what: string, byte: number, before: number | undefined): string {
  if (!isDigit(before)) return `a digit, which begins the length of a ${what}`;
  return isDigit(byte)
    ? "':' after the 0: lengths have no leading zeros"
    : `a digit or ':' in the length of a ${what}`;
}

/**
 * A guess from where a netstring really ends.
 * @param message the whole message, if it is one and not too long
 */
export function lengthDifference(
  length: number,
  difference: number,
  isMessage: boolean,
  message: Buffer | undefined,
): string {
  const off = Math.abs(difference);
  const by = off === 1 ? "off by one" : `off by ${off}`;
  const says = `${by}: the length says ${length}, ${length + difference} bytes come before the comma`;
  if (isMessage && difference === 1) return `${says}; the byte that names the encoding counts, too`;
  if (message === undefined) return says;
  const { crlf, lf } = lineEnds(message);
  if (off > 1 && difference === crlf)
    return `${says}; as many as lines: they were counted with LF and sent with CRLF`;
  if (off > 1 && -difference === lf)
    return `${says}; as many as lines: they were counted with CRLF and sent with LF`;
  return says;
}

/** Line ends in a message, whose first byte names the encoding. */
function lineEnds(content: Buffer): { crlf: number; lf: number } {
  const counts = { crlf: 0, lf: 0 };
  for (let at = content.indexOf(LF, 1); at !== -1; at = content.indexOf(LF, at + 1)) {
    if (content[at - 1] === CR && at > 1) counts.crlf++;
    else counts.lf++;
  }
  return counts;
}
