import { encodeNetstring } from "../protocol/netstring.ts";

/** How the sink can misbehave when a client connects, and what it does in each case. */
const ON_CONNECTION = {
  "close-on-connect": "closes the connection as soon as a client connects",
  "smtp-banner": "greets like an SMTP server, and answers nothing",
} as const;

/** The same for each package. */
const ON_PACKAGE = {
  "close-mid-package": "closes the connection as soon as a package begins",
  "close-before-response": "closes the connection instead of answering a package",
  "close-mid-response": "closes the connection in the middle of the last response to a package",
  reset: "resets the connection instead of answering a package",
  "one-response": "answers once per package, however many recipients it has",
  "early-response": "answers once as soon as a package begins, and again when it ends",
  "extra-response": "answers once more than it owes",
  "bad-length": "puts a zero before the length of each response",
  "bad-status": "begins each response with X",
  garbage: "sends random bytes instead of responses",
  escapes: "puts terminal control sequences into the text of each response",
  drip: "sends its responses one byte at a time",
  stall: "reads packages and never answers",
} as const;

export const MISBEHAVIOURS = { ...ON_CONNECTION, ...ON_PACKAGE } as const;

export type Misbehaviour = keyof typeof MISBEHAVIOURS;

/** Whether it happens when a client connects, and not for each package. */
export function isOnConnection(kind: Misbehaviour): boolean {
  return Object.hasOwn(ON_CONNECTION, kind);
}

export const BANNER = "220 sink.example.org ESMTP\r\n";
/** Clears the screen, turns text red, sets the title, rings, breaks the line, and moves up, in 7 and in 8 bits. */
const ESCAPES = Buffer.from("\x1b[2J\x1b[31m\x1b]0;title\x07\r\n\x1b[1A\x9b1A", "latin1");
const GARBAGE_BYTES = 64;

/**
 * What to send instead of the responses to a package.
 * @param random this many random bytes
 */
export function* misbehave(
  kinds: ReadonlySet<Misbehaviour>,
  responses: Iterable<Buffer>,
  random: (count: number) => Buffer,
): Generator<Buffer, void> {
  if (kinds.has("close-before-response") || kinds.has("reset") || kinds.has("stall")) return;
  if (kinds.has("garbage")) {
    yield random(GARBAGE_BYTES);
    return;
  }
  let last: Buffer | undefined;
  for (const response of responses) {
    if (last !== undefined) yield last;
    last = disfigured(kinds, response);
    if (kinds.has("one-response")) break;
  }
  if (last === undefined) return;
  if (kinds.has("extra-response")) yield last;
  yield kinds.has("close-mid-response") ? last.subarray(0, last.length >> 1) : last;
}

/** How the connection ends after the answer to a package, or undefined if it goes on. */
export function closesAfterPackage(kinds: ReadonlySet<Misbehaviour>): "reset" | "close" | undefined {
  if (kinds.has("reset")) return "reset";
  return kinds.has("close-before-response") || kinds.has("close-mid-response") ? "close" : undefined;
}

function disfigured(kinds: ReadonlySet<Misbehaviour>, response: Buffer): Buffer {
  let content = response.subarray(response.indexOf(":") + 1, -1);
  if (kinds.has("escapes")) content = Buffer.concat([content.subarray(0, 1), ESCAPES, content.subarray(1)]);
  if (kinds.has("bad-status")) content = Buffer.concat([Buffer.from("X"), content.subarray(1)]);
  const bytes = encodeNetstring(content);
  return kinds.has("bad-length") ? Buffer.concat([Buffer.from("0"), bytes]) : bytes;
}
