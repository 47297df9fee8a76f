const LF = 0x0a;
const GREATER = 0x3e;
const RETURN_PATH = Buffer.from("Return-Path: <");
const DELIVERED_TO = Buffer.from("Delivered-To: ");

/** Far more than two addresses take, yet small enough to read from every file; in bytes. */
export const MAX_HEAD = 65_536;

/** The two lines that qmail-local puts before a message in a maildir, which has one recipient. */
export interface MaildirHead {
  readonly sender: Buffer;
  readonly recipient: Buffer;
  /** Bytes of the first line and of both lines, line feeds included. */
  readonly firstLine: number;
  readonly length: number;
}

/**
 * The head of a file; the addresses are copies.
 * @param bytes the file's first `MAX_HEAD` bytes, or all of it
 * @returns undefined if the file has no head: it was not put there to be sent on
 */
export function parseMaildirHead(bytes: Buffer): MaildirHead | undefined {
  const first = bytes.indexOf(LF);
  if (first <= RETURN_PATH.length || bytes[first - 1] !== GREATER || !startsWith(bytes, 0, RETURN_PATH)) {
    return undefined;
  }
  const second = bytes.indexOf(LF, first + 1);
  if (second === -1 || !startsWith(bytes, first + 1, DELIVERED_TO)) return undefined;
  return {
    sender: Buffer.from(bytes.subarray(RETURN_PATH.length, first - 1)),
    recipient: Buffer.from(bytes.subarray(first + 1 + DELIVERED_TO.length, second)),
    firstLine: first + 1,
    length: second + 1,
  };
}

/** The head of a file for `qmtp maildir` or maildirqmtp to deliver. The addresses contain no LF. */
export function encodeMaildirHead(sender: Buffer, recipient: Buffer): Buffer {
  const end = Buffer.from(">\n");
  return Buffer.concat([RETURN_PATH, sender, end, DELIVERED_TO, recipient, end.subarray(1)]);
}

function startsWith(bytes: Buffer, at: number, expected: Buffer): boolean {
  // Byte by byte: for a few bytes, a native call would cost more.
  for (let index = 0; index < expected.length; index++) {
    if (bytes[at + index] !== expected[index]) return false;
  }
  return true;
}
