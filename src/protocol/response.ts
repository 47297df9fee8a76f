import { Cursor } from "./cursor.ts";
import { encodeNetstring, NetstringReader } from "./netstring.ts";
import { ViolationError } from "./violation.ts";

/** The result for a recipient, named as in qmail-send's log and in Net::QMTP. */
export type Status = "success" | "deferral" | "failure";

/** What the server says for one recipient (qmtp.txt, section 5). */
export interface Response {
  /** What its first byte says: K, Z or D. */
  readonly status: Status;
  /** The rest, which may be any bytes. */
  readonly text: Buffer;
}

/** Bytes of the longest response that is read: far more than any real one, yet small enough to keep in memory. */
const MAX_RESPONSE = 65_536;

export const STATUS_LETTER: Readonly<Record<Status, string>> = { success: "K", deferral: "Z", failure: "D" };
const STATUS: ReadonlyMap<number, Status> = new Map([
  [0x4b, "success"],
  [0x5a, "deferral"],
  [0x44, "failure"],
]);

/** A response on the wire: a netstring of its letter and its text. */
export function encodeResponse(response: { status: Status; text: Uint8Array }): Buffer {
  return encodeNetstring(
    Buffer.concat([Buffer.from(STATUS_LETTER[response.status], "latin1"), response.text]),
  );
}

/** Reads responses, however the stream is chunked: `push` a chunk, then call `next` until it returns undefined. */
export class ResponseReader {
  readonly #cursor = new Cursor();
  readonly #netstring = new NetstringReader("response", MAX_RESPONSE);
  #last: Response | undefined;
  /** The last response as it was sent. */
  #lastNetstring: Buffer = Buffer.alloc(0);

  /** Adds bytes. Read all there is with `next` before the next chunk is pushed. */
  push(chunk: Buffer): void {
    this.#cursor.push(chunk);
  }

  /** Whether the stream is in the middle of a response. */
  get begun(): boolean {
    return this.#netstring.begun;
  }

  /** Bytes received before the current position. */
  get offset(): number {
    return this.#cursor.offset;
  }

  /**
   * @returns the next response, or undefined when more bytes are needed
   * @throws {ViolationError} if the bytes are not a response; nothing can be read after that
   */
  next(): Response | undefined {
    // Servers send the same text to all recipients of a package: a million equal responses take the memory of one.
    const last = this.#last;
    if (last !== undefined && !this.#netstring.begun && this.#cursor.skip(this.#lastNetstring)) return last;
    const bytes = this.#netstring.read(this.#cursor);
    if (bytes === undefined) return undefined;
    const status = STATUS.get(bytes[0] ?? -1);
    if (status !== undefined) {
      // It may have come in two pieces.
      if (last?.status === status && last.text.equals(bytes.subarray(1))) return last;
      // A copy: the next chunk may take the memory of this one.
      const own = encodeNetstring(bytes);
      this.#lastNetstring = own;
      this.#last = { status, text: own.subarray(own.length - bytes.length, -1) };
      return this.#last;
    }
    const end = this.#cursor.offset;
    if (bytes.length === 0) throw new ViolationError("empty-response", "an empty response", end - 1);
    throw new ViolationError(
      "unknown-status",
      "a response that begins with none of K, Z and D",
      end - 1 - bytes.length,
    );
  }
}
