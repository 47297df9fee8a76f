import { QmtpError } from "../errors.ts";

const NUL = 0x00;
const SENDER = 0x46;
const RECIPIENT = 0x54;

/** Bytes of the longest envelope: enough for a million recipients, yet small enough to keep in memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/** qmail-queue refuses addresses of this many bytes. */
const TOO_LONG = 1_003;

/** An envelope in qmail-queue(8)'s format: `F` sender NUL, then `T` recipient NUL for each, then NUL. */
export interface QueueEnvelope {
  readonly sender: Buffer;
  readonly recipients: readonly Buffer[];
}

/** Encodes an envelope in pieces. The addresses must not contain NUL. */
export function* encodeQueueEnvelope(sender: Buffer, recipients: readonly Buffer[]): Generator<Buffer, void> {
  yield Buffer.concat([Buffer.of(SENDER), sender, Buffer.of(NUL)]);
  for (const recipient of recipients) {
    yield Buffer.concat([Buffer.of(RECIPIENT), recipient, Buffer.of(NUL)]);
  }
  yield Buffer.of(NUL);
}

/**
 * Reads an envelope up to its final NUL.
 * @throws {QmtpError} bad-envelope, also if it ends early; address-too-long, envelope-too-large
 */
export async function readQueueEnvelope(chunks: AsyncIterable<Buffer>): Promise<QueueEnvelope> {
  const reader = new QueueEnvelopeReader();
  for await (const chunk of chunks) {
    const envelope = reader.read(chunk);
    if (envelope !== undefined) return envelope;
  }
  throw reader.cutShort();
}

/** Reads an envelope, however the stream is chunked. */
class QueueEnvelopeReader {
  #sender: Buffer | undefined;
  readonly #recipients: Buffer[] = [];
  /** The start of an address whose NUL has not arrived yet. */
  #partial: Buffer[] = [];
  #bytes = 0;

  /** @returns the envelope, once its final NUL has been read */
  read(chunk: Buffer): QueueEnvelope | undefined {
    let start = 0;
    for (let end = chunk.indexOf(NUL); end !== -1; end = chunk.indexOf(NUL, start)) {
      const entry = this.#entry(chunk.subarray(start, end));
      this.#bytes += end + 1 - start;
      start = end + 1;
      if (entry.length === 0) return this.#complete();
      this.#add(entry);
    }
    if (start < chunk.length) {
      this.#partial.push(Buffer.from(chunk.subarray(start)));
      this.#bytes += chunk.length - start;
    }
    if (this.#bytes <= MAX_BYTES) return undefined;
    const message = `the envelope is longer than ${MAX_BYTES} bytes; give some of the recipients a separate message`;
    throw new QmtpError("envelope-too-large", message);
  }

  cutShort(): QmtpError {
    return bad(`it ended after ${this.#bytes} bytes, before its last NUL; nothing was sent`);
  }

  /** A copy, because the chunk may be overwritten. */
  #entry(end: Buffer): Buffer {
    if (this.#partial.length === 0) return Buffer.from(end);
    const entry = Buffer.concat([...this.#partial, end]);
    this.#partial = [];
    return entry;
  }

  #add(entry: Buffer): void {
    const address = entry.subarray(1);
    const first = this.#sender === undefined;
    if (first && entry[0] !== SENDER) throw bad("it does not begin with F and the sender");
    const at = this.#bytes - entry.length - 1;
    if (!first && entry[0] !== RECIPIENT) throw bad(`T and a recipient expected at byte ${at}`);
    if (address.length >= TOO_LONG) {
      const message = `the address at byte ${at} of the envelope has ${address.length} bytes, over ${TOO_LONG - 1}`;
      throw new QmtpError("address-too-long", `${message}; nothing was sent`);
    }
    if (first) this.#sender = address;
    else this.#recipients.push(address);
  }

  #complete(): QueueEnvelope {
    if (this.#sender === undefined) throw bad("it has no sender");
    if (this.#recipients.length === 0) throw bad("it has no recipients");
    return { sender: this.#sender, recipients: this.#recipients };
  }
}

function bad(why: string): QmtpError {
  return new QmtpError("bad-envelope", `bad envelope on descriptor 1: ${why}`);
}
