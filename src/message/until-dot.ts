const DOT = 0x2e;
const CR = 0x0d;
const LF = 0x0a;

/**
 * The bytes up to a line that is a dot alone, which sendmail takes for the end of a message; without that line.
 * What a chunk has is given on as a part of it, and stands until the next one is asked for.
 */
export async function* untilDot(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  let held = Buffer.alloc(0);
  let afterLine = true;
  for await (const chunk of chunks) {
    const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
    const dot = findDot(bytes, afterLine);
    yield bytes.subarray(0, dot.at);
    if (dot.ends) return;
    // What may turn out to be the dot line is kept back, and is the beginning of a line.
    held = Buffer.from(bytes.subarray(dot.at));
    afterLine = held.length > 0 || (bytes.length > 0 ? bytes.at(-1) === LF : afterLine);
  }
}

/** Where the dot line begins, or where it may begin if the next bytes go on with it, or the end. */
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
