import { encodeNetstring } from "../protocol/netstring.ts";
import type { Kinds } from "./misbehaviour.ts";

/** Clears the screen, turns text red, sets the title, rings, breaks the line, and moves up, in 7 and in 8 bits. */
const ESCAPES = Buffer.from("\x1b[2J\x1b[31m\x1b]0;title\x07\r\n\x1b[1A\x9b1A", "latin1");
const GARBAGE_BYTES = 64;

/** A response on the wire, and the recipient it is for; undefined beyond those that are kept. */
export interface Encoded {
  readonly bytes: Buffer;
  readonly recipient: Buffer | undefined;
}

/**
 * What to send instead of the responses to a package.
 * @param random this many random bytes
 */
export function* misbehave(
  kinds: Kinds,
  responses: Iterable<Encoded>,
  random: (count: number) => Buffer,
): Generator<Buffer, void> {
  if (kinds.has("close-before-response") || kinds.has("reset") || kinds.has("stall")) return;
  if (kinds.has("garbage")) {
    yield random(GARBAGE_BYTES);
    return;
  }
  let last: Buffer | undefined;
  for (const response of chosen(kinds, responses)) {
    if (last !== undefined) yield last;
    last = disfigured(kinds, response);
    if (kinds.has("one-response")) break;
  }
  if (last === undefined) return;
  if (kinds.has("extra-response")) yield last;
  yield kinds.has("close-mid-response") ? last.subarray(0, last.length >> 1) : last;
}

function* chosen(kinds: Kinds, responses: Iterable<Encoded>): Generator<Encoded, void> {
  let before: Buffer | undefined;
  for (const response of kinds.has("swap-responses") ? [...responses].reverse() : responses) {
    const { recipient } = response;
    const same = recipient !== undefined && before?.equals(recipient) === true;
    if (!(same && kinds.has("merge-recipients"))) yield response;
    before = recipient;
  }
}

function disfigured(kinds: Kinds, { bytes: honest, recipient }: Encoded): Buffer {
  const content = honest.subarray(honest.indexOf(":") + 1, -1);
  const status = kinds.has("bad-status") ? Buffer.from("X") : content.subarray(0, 1);
  const text = [content.subarray(1)];
  if (kinds.has("latin-1")) text.unshift(Buffer.of(0xe9, 0x20));
  if (kinds.has("stray-hash")) text.push(Buffer.from(" #1"));
  if (kinds.has("line-feed")) text.push(Buffer.from("\nqueued"));
  if (kinds.has("repeat-recipient")) text.push(Buffer.from(" "), recipient ?? Buffer.alloc(0));
  if (kinds.has("escapes")) text.unshift(ESCAPES);
  if (kinds.has("leading-space")) text.unshift(Buffer.from(" "));
  const bytes = encodeNetstring(
    kinds.has("empty-response") ? Buffer.alloc(0) : Buffer.concat([status, ...text]),
  );
  if (kinds.has("off-by-one")) {
    const colon = bytes.indexOf(":");
    return Buffer.concat([Buffer.from(`${bytes.length - colon - 3}`), bytes.subarray(colon)]);
  }
  return kinds.has("bad-length") ? Buffer.concat([Buffer.from("0"), bytes]) : bytes;
}
