import { QmtpError } from "../errors.ts";

const LF = 0x0a;

/** Bytes of the longest head: enough for a million recipients, yet small enough to keep in memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The head of a file in nullmailer's queue: a line with the sender, a line for each recipient, an empty line. */
export interface NullmailerHead {
  readonly sender: Buffer;
  readonly recipients: readonly Buffer[];
  /** Bytes before the message. */
  readonly length: number;
}

/**
 * Reads the head.
 * @throws {QmtpError} bad-envelope, also if it ends early; envelope-too-large
 */
export async function readNullmailerHead(chunks: AsyncIterable<Buffer>): Promise<NullmailerHead> {
  const pieces: Buffer[] = [];
  let length = 0;
  let searched = 0;
  for await (const chunk of chunks) {
    pieces.push(Buffer.from(chunk));
    length += chunk.length;
    const bytes = Buffer.concat(pieces.splice(0));
    pieces.push(bytes);
    const end = endOfHead(bytes, searched);
    if (end !== undefined) return parse(bytes.subarray(0, end));
    searched = Math.max(0, length - 1);
    if (length > MAX_BYTES) {
      throw new QmtpError("envelope-too-large", `the envelope is longer than ${MAX_BYTES} bytes`);
    }
  }
  throw new QmtpError("bad-envelope", "the envelope on descriptor 3 has no empty line after its recipients");
}

/** Where the empty line begins. The sender's line may be empty, too. */
function endOfHead(bytes: Buffer, from: number): number | undefined {
  const afterSender = bytes.indexOf(LF) + 1;
  if (afterSender === 0) return undefined;
  if (bytes[afterSender] === LF) return afterSender;
  const end = bytes.indexOf("\n\n", Math.max(from, afterSender));
  return end === -1 ? undefined : end + 1;
}

function parse(head: Buffer): NullmailerHead {
  const [sender, ...recipients] = head.toString("latin1").split("\n").slice(0, -1);
  if (sender === undefined || recipients.length === 0) {
    throw new QmtpError("bad-envelope", "the envelope on descriptor 3 has no recipients");
  }
  const bytes = (line: string) => Buffer.from(line, "latin1");
  return { sender: bytes(sender), recipients: recipients.map(bytes), length: head.length + 1 };
}
