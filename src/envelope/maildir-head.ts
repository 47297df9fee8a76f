const LF = 0x0a;
const GREATER = 0x3e;
const RETURN_PATH = Buffer.from("Return-Path: <");
const DELIVERED_TO = Buffer.from("Delivered-To: ");

/** Bytes of the longest head: far more than two addresses take, yet few enough to read from every file. */
export const MAX_HEAD = 65_536;

/** The two lines that qmail-local puts before each message in a maildir. It has one recipient. */
export interface MaildirHead {
  readonly sender: Buffer;
  readonly recipient: Buffer;
  /** Bytes of the first line, line feed included. */
  readonly firstLine: number;
  /** Bytes of both lines. */
  readonly length: number;
}

/**
 * Reads the head of a file. The addresses are copies.
 * @param bytes the file's first `MAX_HEAD` bytes, or all of it
 * @returns undefined if the file has no head, and so is not meant to be sent on
 */
export function parseMaildirHead(bytes: Buffer): MaildirHead | undefined {
  const first = bytes.indexOf(LF);
  if (first <= RETURN_PATH.length || bytes[first - 1] !== GREATER || !startsWith(bytes, 0, RETURN_PATH)) {
    return undefined;
  }
  const second = bytes.indexOf(LF, first + 1);
  if (second === -1 || !startsWith(bytes, first + 1, DELIVERED_TO)) return undefined;
  return {
    sender: copyOf(bytes, RETURN_PATH.length, first - 1),
    recipient: copyOf(bytes, first + 1 + DELIVERED_TO.length, second),
    firstLine: first + 1,
    length: second + 1,
  };
}

/** The head of a file that `qmtp maildir` or maildirqmtp is to deliver. The addresses must not contain LF. */
export function encodeMaildirHead(sender: Buffer, recipient: Buffer): Buffer {
  const end = Buffer.from(">\n");
  return Buffer.concat([RETURN_PATH, sender, end, DELIVERED_TO, recipient, end.subarray(1)]);
}

function copyOf(bytes: Buffer, from: number, to: number): Buffer {
  const copy = Buffer.allocUnsafe(to - from);
  // Byte by byte, as in startsWith; a subarray to copy from would be another object for each address.
  for (let at = from; at < to; at++) copy[at - from] = bytes[at] as number;
  return copy;
}

function startsWith(bytes: Buffer, at: number, expected: Buffer): boolean {
  // Byte by byte: for so few bytes, a native call costs more.
  for (let index = 0; index < expected.length; index++) {
    if (bytes[at + index] !== expected[index]) return false;
  }
  return true;
}
