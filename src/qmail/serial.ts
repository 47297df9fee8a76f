import { STATUS_LETTER, type Status } from "../protocol/response.ts";

/*
 * The protocol between maildirserial(1) and serialqmtp(1): file names in, a record for each result out. Each
 * character of a name or a record is one byte.
 */

const NUL = 0x00;
/** More bytes than any path has: input without a NUL for this long is not a list of names. */
const MAX_NAME = 65_536;

/** Reads NUL-ended file names, however the stream is chunked. */
export class NameReader {
  readonly #chunks: AsyncIterator<Buffer>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next complete name, or undefined if more must be read. */
  next(): string | undefined {
    const end = this.#chunk.indexOf(NUL, this.#at);
    if (end === -1) return undefined;
    const name = this.#chunk.toString("latin1", this.#at, end);
    this.#at = end + 1;
    return name;
  }

  /**
   * Continues reading.
   * @returns false at the end of the stream; bytes after the last NUL are not a name
   * @throws {RangeError} if a name is too long; and what the stream throws
   */
  async more(): Promise<boolean> {
    const rest = this.#chunk.subarray(this.#at);
    if (rest.length > MAX_NAME) throw new RangeError(`a file name of more than ${MAX_NAME} bytes`);
    const next = await this.#chunks.next();
    if (next.done) return false;
    this.#chunk = Buffer.concat([rest, next.value]);
    this.#at = 0;
    return true;
  }
}

/** Bytes of a record's line (status, server and text), without the line feed. */
const MAX_LINE = 2_000;

/**
 * The record of a result: the file's name, NUL, and a line with the status, the server, and the text in printable
 * ASCII.
 * @param remoteIp the server's address, from $TCPREMOTEIP
 */
export function serialRecord(
  name: string,
  { status, text }: { readonly status: Status; readonly text: Buffer },
  remoteIp: string | undefined,
): string {
  const server = remoteIp === undefined ? "" : `${remoteIp} said: `;
  const start = `${STATUS_LETTER[status]}${server}`;
  const said = text.subarray(0, Math.max(0, MAX_LINE - start.length)).toString("latin1");
  return `${name}\0${`${start}${said}`.replace(/[^\x20-\x7e]/g, "?")}\n`;
}
