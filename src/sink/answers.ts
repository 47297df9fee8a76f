import type { Duplex } from "node:stream";
import { drained } from "../io/drained.ts";
import { encodeResponse, type Response } from "../protocol/response.ts";
import type { Encoded } from "./disfigure.ts";
import type { Answer } from "./incoming.ts";
import { TOO_MANY } from "./rules.ts";

/** Bytes of responses to gather for one write. */
const PIECE = 65_536;

/** Recipients with the same response share its bytes: a million successes are one. */
export function* encodeAll(answers: readonly Answer[], surplus: number): Generator<Encoded, void> {
  const encoded = new Map<Response, Buffer>();
  for (const { recipient, response } of answers) {
    const bytes = encoded.get(response) ?? encodeResponse(response);
    encoded.set(response, bytes);
    yield { bytes, recipient };
  }
  const refused = { bytes: encodeResponse(TOO_MANY), recipient: undefined };
  for (let count = 0; count < surplus; count++) yield refused;
}

/** The bytes on the wire alone. */
export function* bytesOf(responses: Iterable<Encoded>): Generator<Buffer, void> {
  for (const { bytes } of responses) yield bytes;
}

/**
 * Writes lists of responses, waiting while the client does not read.
 * @param onPiece called before each write
 */
export async function writeAll(
  connection: Duplex,
  lists: readonly Iterable<Buffer>[],
  onPiece: () => void,
): Promise<void> {
  for (const piece of joined(lists)) {
    onPiece();
    if (connection.writable && !connection.write(piece)) await drained(connection);
  }
}

/** The same, a byte at a time. */
export async function writeSlowly(
  connection: Duplex,
  lists: readonly Iterable<Buffer>[],
  onPiece: () => void,
): Promise<void> {
  for (const piece of joined(lists)) {
    for (let at = 0; at < piece.length && connection.writable; at++) {
      onPiece();
      await new Promise<void>((resolve) => connection.write(piece.subarray(at, at + 1), () => resolve()));
    }
  }
}

/** Many small buffers joined into a few large ones. */
function* joined(lists: readonly Iterable<Buffer>[]): Generator<Buffer, void> {
  let gathered: Buffer[] = [];
  let length = 0;
  for (const list of lists) {
    for (const bytes of list) {
      gathered.push(bytes);
      length += bytes.length;
      if (length < PIECE) continue;
      yield Buffer.concat(gathered, length);
      gathered = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(gathered, length);
}
