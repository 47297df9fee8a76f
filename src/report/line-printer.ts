import { drained } from "../io/drained.ts";
import type { OutputStream } from "../io/streams.ts";

/** Characters to gather before writing: a system call for each line would be slow. */
const PIECE = 65_536;

/** Prints lines, with one write for all lines of a turn of the event loop. */
export class LinePrinter {
  readonly #stream: () => OutputStream;
  #text = "";
  #waiting = false;

  /** @param stream returns the stream; called when there is a line to print */
  constructor(stream: () => OutputStream) {
    this.#stream = stream;
  }

  print(line: string): void {
    this.#text += `${line}\n`;
    if (this.#text.length >= PIECE) this.#flush();
    if (this.#waiting) return;
    this.#waiting = true;
    setImmediate(() => {
      this.#waiting = false;
      this.#flush();
    });
  }

  /** Resolves when the stream has taken all lines. A reader that has gone away is not an error. */
  async end(): Promise<void> {
    if (!this.#flush()) await drained(this.#stream());
  }

  /** @returns whether the stream has room for more */
  #flush(): boolean {
    if (this.#text === "") return true;
    const text = this.#text;
    this.#text = "";
    const stream = this.#stream();
    return !stream.writable || stream.write(text);
  }
}
