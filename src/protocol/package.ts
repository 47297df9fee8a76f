import { COMMA, encodeLength, netstringLength, writeLength, writeNetstring } from "./netstring.ts";

/** How lines end on the wire (qmtp.txt, section 4): encoding #2 and encoding #1. */
export type Encoding = "unix" | "dos";

/** The first byte of the encoded message, which names the encoding. */
export const ENCODING_BYTE: Record<Encoding, number> = { unix: 0x0a, dos: 0x0d };

/** A message that can be sent as often as needed: its length is known before its first byte is read. */
export interface Message {
  readonly encoding: Encoding;
  /** Bytes on the wire, without the one that names the encoding. */
  readonly length: number;
  /**
   * Exactly `length` bytes. A chunk is valid only until the next one, or the next package, is asked for.
   * @throws when the bytes can no longer be read, or are no longer those that were counted
   */
  chunks(): Iterable<Buffer> | AsyncIterable<Buffer>;
}

/** One message with one sender and one or more recipients. */
export interface Package {
  readonly sender: Buffer;
  readonly recipients: readonly Buffer[];
  readonly message: Message;
}

/** Where packages come from: an iterator, which may return a promise when there is something to wait for. */
export interface PackageSource<P extends Package> {
  next(): IteratorResult<P, unknown> | Promise<IteratorResult<P, unknown>>;
}

/** A long list of recipients is cut into pieces of this many bytes, each of which is one write. */
const PIECE = 65_536;

/** What comes before the message's bytes. */
export function encodeHead(message: { encoding: Encoding; length: number }): Buffer {
  const length = encodeLength(message.length + 1);
  return Buffer.concat([length, Buffer.of(ENCODING_BYTE[message.encoding])]);
}

/** A piece of what comes after the message's bytes; the last one ends the package. */
export interface TailPiece {
  readonly piece: Buffer;
  readonly last: boolean;
}

/** What comes after the message's bytes: the comma, the sender, the recipients; in pieces of bounded size. */
export function* encodeTail(sender: Buffer, recipients: readonly Buffer[]): Generator<TailPiece, void> {
  const listLength = recipientsLength(recipients);
  const [before, after] = [`,${sender.length}:`, `,${listLength}:`];
  const headLength = before.length + sender.length + after.length;
  let piece = Buffer.allocUnsafe(headLength + Math.min(PIECE, listLength + 1));
  let at = piece.write(before, 0, "latin1");
  piece.set(sender, at);
  at += sender.length;
  at += piece.write(after, at, "latin1");
  for (const recipient of recipients) {
    const length = netstringLength(recipient.length);
    // One byte more than the netstring, for the comma that ends the list.
    if (at + length + 1 > piece.length) {
      yield { piece: piece.subarray(0, at), last: false };
      piece = Buffer.allocUnsafe(Math.max(PIECE, length + 1));
      at = 0;
    }
    at += piece.write(`${recipient.length}:`, at, "latin1");
    piece.set(recipient, at);
    at += recipient.length;
    piece[at++] = COMMA;
  }
  piece[at++] = COMMA;
  yield { piece: piece.subarray(0, at), last: true };
}

/**
 * Writes a whole package into a block that has room for it. For many small packages this takes a fraction of the
 * time that `encodeHead` and `encodeTail` take.
 */
export function encodePackage(pkg: Package, chunks: Iterable<Buffer>, block: Buffer, start: number): void {
  const { sender, recipients, message } = pkg;
  let at = writeLength(block, start, message.length + 1);
  block[at++] = ENCODING_BYTE[message.encoding];
  for (const chunk of chunks) {
    block.set(chunk, at);
    at += chunk.length;
  }
  block[at++] = COMMA;
  at = writeNetstring(block, at, sender);
  at = writeLength(block, at, recipientsLength(recipients));
  for (const recipient of recipients) at = writeNetstring(block, at, recipient);
  block[at] = COMMA;
}

/** Bytes of the whole package on the wire. */
export function packageLength({ sender, recipients, message }: Package): number {
  return (
    netstringLength(message.length + 1) +
    netstringLength(sender.length) +
    netstringLength(recipientsLength(recipients))
  );
}

function recipientsLength(recipients: readonly Buffer[]): number {
  let length = 0;
  for (const recipient of recipients) length += netstringLength(recipient.length);
  return length;
}
