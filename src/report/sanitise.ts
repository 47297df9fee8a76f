/** Only printable ASCII. */
export const PLAIN = /^[\x20-\x7e]*$/;
/**
 * Letters, marks and digits of all scripts, for a character class. Patterns that contain it are compiled on first use:
 * that takes half a millisecond, and most runs need none of them.
 */
export const LETTERS = "\\p{L}\\p{M}\\p{N}";
let letter: RegExp | undefined;
/** Characters of a text to print: far more than any server expects people to read. */
const MAX_TEXT = 2_000;

/**
 * Makes bytes safe to print: ASCII and letters unchanged, everything else as `\xNN`, so that nothing in a server's text
 * or a message can control the terminal or break a line.
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
    // Invalid UTF-8 decodes to replacement characters, which are not letters.
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

/** The same, truncated if it is too long for a line. */
export function sanitiseCapped(bytes: Buffer): string {
  const clean = sanitise(bytes.subarray(0, MAX_TEXT));
  if (clean.length <= MAX_TEXT && bytes.length <= MAX_TEXT) return clean;
  return `${clean.slice(0, MAX_TEXT)} [${bytes.length} bytes in all]`;
}

/** Length of the UTF-8 sequence that this byte begins; 1 if it does not begin one. */
function sequenceLength(byte: number): number {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}
