import { drained } from "../io/drained.ts";
import type { OutputStream } from "../io/streams.ts";

/** Characters to gather before writing: a system call for each line would be slow. */
const PIECE = 65_536;

/** Writes lines, waiting while the stream is full. A reader that has gone away is not an error. */
export function writeLines(stream: OutputStream, lines: Iterable<string>): Promise<void> {
  return writePieces(stream, lines, "\n");
}

/** The same for pieces of text, each followed by `end`. */
export async function writePieces(stream: OutputStream, pieces: Iterable<string>, end = ""): Promise<void> {
  let gathered = "";
  for (const piece of pieces) {
    gathered += piece;
    gathered += end;
    if (gathered.length < PIECE) continue;
    if (!(await writeOut(stream, gathered))) return;
    gathered = "";
  }
  if (gathered !== "") await writeOut(stream, gathered);
}

async function writeOut(stream: OutputStream, text: string): Promise<boolean> {
  if (!stream.writable) return false;
  if (!stream.write(text)) await drained(stream);
  return stream.writable;
}
