const DOT = 0x2e;
const CR = 0x0d;
const LF = 0x0a;

/**
 * The bytes before a line with a single dot, which ends a message for sendmail. Each piece is part of the chunk, and
 * valid until the next one is read.
 */
export async function* untilDot(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let pending = Buffer.alloc(0);
  let afterLine = true;
  for await (const chunk of chunks) {
    const bytes = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    const dot = findDot(bytes, afterLine);
    yield bytes.subarray(0, dot.at);
    if (dot.ends) return;
    // Keep back the start of a line that may turn out to be the dot line.
    pending = Buffer.from(bytes.subarray(dot.at));
    afterLine = pending.length > 0 || (bytes.length > 0 ? bytes.at(-1) === LF : afterLine);
  }
}

/** Where the dot line begins, or where it may begin if the next bytes complete it; otherwise the end of the bytes. */
function findDot(bytes: Buffer, afterLine: boolean): { at: number; ends: boolean } {
  let at = afterLine && bytes[0] === DOT ? 0 : nextDot(bytes, 0);
  for (; at !== -1; at = nextDot(bytes, at)) {
    const end = bytes[at + 1] === CR ? at + 2 : at + 1;
    if (end >= bytes.length) return { at, ends: false };
    if (bytes[end] === LF) return { at, ends: true };
  }
  return { at: bytes.length, ends: false };
}

/** The next dot that begins a line. */
function nextDot(bytes: Buffer, from: number): number {
  const end = bytes.indexOf("\n.", from, "latin1");
  return end === -1 ? -1 : end + 1;
}
