import type { Output } from "../context.ts";
import { drained } from "../drained.ts";

/** Text is written together up to about this many characters: a million recipients are not a million writes. */
const PIECE = 65_536;

/** Writes each line with its newline, at the pace of whoever reads. A reader that went away is not an error. */
export function writeLines(stream: Output, lines: Iterable<string>): Promise<void> {
  return writePieces(stream, withNewlines(lines));
}

/** The same for text that is in pieces for its length only. */
export async function writePieces(stream: Output, pieces: Iterable<string>): Promise<void> {
  let gathered = "";
  for (const piece of pieces) {
    gathered += piece;
    if (gathered.length < PIECE) continue;
    if (!(await writeOut(stream, gathered))) return;
    gathered = "";
  }
  if (gathered !== "") await writeOut(stream, gathered);
}

function* withNewlines(lines: Iterable<string>): Generator<string, void> {
  for (const line of lines) yield `${line}\n`;
}

async function writeOut(stream: Output, text: string): Promise<boolean> {
  if (!stream.writable) return false;
  if (!stream.write(text)) await drained(stream);
  return stream.writable;
}
