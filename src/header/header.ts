import { QmtpError } from "../errors.ts";

const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

/** Bytes of the longest header: more than any mail has, yet small enough to keep in memory and search for addresses. */
const MAX_HEADER = 8 * 1024 * 1024;
/** This many bytes show a line's kind: no field name is longer than a line may be (RFC 5322, 2.1.1). */
const MAX_NAME = 1_000;
const FIELD = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/;
const MBOX = /^>?From /;

/** The name given to the line that mbox files put before the first field; no real field can have it. */
export const MBOX_LINE = "from ";

/** A field of a header, by its offsets in the bytes. */
export interface Field {
  /** Lower case. */
  readonly name: string;
  readonly start: number;
  /** Start of the value, after the colon. */
  readonly value: number;
  /** End of its last line, line feed included. */
  readonly end: number;
}

/** The header of a message (RFC 5322, 2.2): fields, then perhaps an empty line. */
export interface Header {
  readonly bytes: Buffer;
  readonly fields: readonly Field[];
  /** Whether it ends with an empty line, which is part of the bytes. */
  readonly separated: boolean;
}

/**
 * Reads a message to the end of its header, which is an empty line or a line that is not part of a field.
 * @param chunks each is valid until the next one is read
 * @returns a copy of the header, and the rest of the message
 * @throws {QmtpError} bad-header, if the header is too long
 */
export async function splitHeader(
  chunks: AsyncIterable<Buffer>,
): Promise<{ header: Header; rest: AsyncIterable<Buffer> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const reader = new HeaderReader();
  let next = await iterator.next();
  while (!next.done && !reader.read(next.value)) next = await iterator.next();
  if (next.done) reader.end();
  return { header: reader.header, rest: remaining(reader.rest, iterator) };
}

async function* remaining(first: Buffer, iterator: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void> {
  try {
    if (first.length > 0) yield first;
    for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
  } finally {
    await iterator.return?.();
  }
}

/** Whether a message that begins with these bytes has a header, perhaps after the first line of an mbox file. */
export function beginsWithField(bytes: Buffer): boolean {
  const text = bytes.toString("latin1", 0, MAX_NAME);
  return FIELD.test(text) || MBOX.test(text);
}

/** A header that makes the message impossible to send; retrying will not help. */
export function badHeader(message: string): QmtpError {
  return new QmtpError("bad-header", message);
}

type LineKind = "field" | "continuation" | "mbox" | "empty" | "other";

/** Reads a header, however the stream is chunked. */
class HeaderReader {
  #buffer = Buffer.allocUnsafe(16 * 1024);
  #filled = 0;
  /** Start of the current line, and how far the search for its end has got. */
  #line = 0;
  #searched = 0;
  #kind: LineKind | undefined;
  readonly #fields: Field[] = [];
  #end = 0;
  #separated = false;

  get header(): Header {
    const bytes = this.#buffer.subarray(0, this.#end);
    return { bytes, fields: this.#fields, separated: this.#separated };
  }

  /** Bytes read beyond the header. */
  get rest(): Buffer {
    return this.#buffer.subarray(this.#end, this.#filled);
  }

  /** @returns whether the header is complete */
  read(chunk: Buffer): boolean {
    this.#append(chunk);
    for (;;) {
      const at = this.#buffer.subarray(0, this.#filled).indexOf(LF, this.#searched);
      const whole = at !== -1;
      const end = whole ? at + 1 : this.#filled;
      if (this.#kind === undefined && (whole || end - this.#line >= MAX_NAME)) this.#begin(end);
      if (this.#kind === "other" || (this.#kind === "empty" && whole)) return this.#stop();
      // Checked at line ends, whatever the size of the chunks.
      if (end > MAX_HEADER) {
        throw badHeader(`the message's header is longer than ${MAX_HEADER} bytes; is it a message?`);
      }
      this.#searched = end;
      if (!whole) return false;
      this.#finish(end);
    }
  }

  /** Call at the end of the message. */
  end(): void {
    if (this.#line === this.#filled) {
      this.#end = this.#filled;
      return;
    }
    if (this.#kind === undefined) this.#begin(this.#filled);
    if (this.#kind === "other") this.#stop();
    else {
      this.#finish(this.#filled);
      this.#end = this.#filled;
    }
  }

  #append(chunk: Buffer): void {
    const needed = this.#filled + chunk.length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#filled);
      this.#buffer = larger;
    }
    this.#filled += chunk.copy(this.#buffer, this.#filled);
  }

  /** @param end the end of the line, or of the part that has arrived */
  #begin(end: number): void {
    const line = this.#buffer.subarray(this.#line, Math.min(end, this.#line + MAX_NAME));
    const text = line.toString("latin1");
    const field = FIELD.exec(text);
    if (line[0] === LF || (line[0] === CR && line[1] === LF)) this.#kind = "empty";
    else if (field !== null) {
      const name = (field[1] as string).toLowerCase();
      this.#open(name, this.#line + field[0].length, "field");
    } else if (this.#line === 0 && MBOX.test(text)) this.#open(MBOX_LINE, 0, "mbox");
    else if ((line[0] === SPACE || line[0] === TAB) && this.#fields.length > 0) this.#kind = "continuation";
    else this.#kind = "other";
  }

  #open(name: string, value: number, kind: LineKind): void {
    this.#fields.push({ name, start: this.#line, value, end: this.#line });
    this.#kind = kind;
  }

  #finish(end: number): void {
    const last = this.#fields.pop() as Field;
    this.#fields.push({ ...last, end });
    this.#line = end;
    this.#kind = undefined;
  }

  #stop(): true {
    this.#separated = this.#kind === "empty";
    this.#end = this.#separated ? this.#buffer.indexOf(LF, this.#line) + 1 : this.#line;
    return true;
  }
}
