import type { Output } from "../context.ts";
import { drained } from "../drained.ts";

/** Lines are written together up to about this many characters: a million recipients are not a million writes. */
const PIECE = 65_536;

/** Writes each line with its newline, at the pace of whoever reads. A reader that went away is not an error. */
export async function writeLines(stream: Output, lines: Iterable<string>): Promise<void> {
  let piece = "";
  for (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < PIECE) continue;
    if (!(await writeOut(stream, piece))) return;
    piece = "";
  }
  if (piece !== "") await writeOut(stream, piece);
}

async function writeOut(stream: Output, text: string): Promise<boolean> {
  if (!stream.writable) return false;
  if (!stream.write(text)) await drained(stream);
  return stream.writable;
}
