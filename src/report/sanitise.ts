/** Printable ASCII and nothing else. */
export const PLAIN = /^[\x20-\x7e]*$/;
/**
 * Letters, marks and digits of all scripts, for a character class. Patterns with it are made when they are first
 * needed, and not written as literals: reading one takes half a millisecond, and most runs need none.
 */
export const LETTERS = "\\p{L}\\p{M}\\p{N}";
let letter: RegExp | undefined;
/** Far more than any server means people to read, in characters. */
const CAP = 2_000;

/**
 * Bytes as they may be printed: ASCII and letters as they are, everything else as `\xNN`, so that nothing a
 * server or a message holds can drive a terminal or break a line.
 */
export function sanitise(bytes: Buffer | string): string {
  const buffer = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  const text = buffer.toString("latin1");
  if (PLAIN.test(text)) return text;
  letter ??= new RegExp(`^[${LETTERS}]$`, "u");
  let clean = "";
  for (let at = 0; at < buffer.length; ) {
    const length = sequenceLength(buffer[at] as number);
    const sequence = buffer.subarray(at, at + length);
    const character = sequence.toString("utf8");
    // What is no UTF-8 decodes to replacement characters, which are no letters.
    if (letter.test(character) || (length === 1 && PLAIN.test(character))) {
      clean += character;
      at += length;
    } else {
      clean += `\\x${(buffer[at] as number).toString(16).padStart(2, "0")}`;
      at++;
    }
  }
  return clean;
}

/** The same, cut where it goes beyond what a line should hold. */
export function sanitiseCapped(bytes: Buffer): string {
  const clean = sanitise(bytes.subarray(0, CAP));
  if (clean.length <= CAP && bytes.length <= CAP) return clean;
  return `${clean.slice(0, CAP)} [${bytes.length} bytes in all]`;
}

/** Bytes of the UTF-8 sequence that begins with this one; 1 where none does. */
function sequenceLength(byte: number): number {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}
