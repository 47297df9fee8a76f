import type { Output } from "../context.ts";
import { drained } from "../drained.ts";

/** Text is written together up to about this many characters: a hundred thousand lines are not as many writes. */
const PIECE = 65_536;

/** Prints lines as they come about, those of one turn of the event loop together. */
export class LinePrinter {
  readonly #stream: () => Output;
  readonly #beforeWriting: () => void;
  #text = "";
  #waiting = false;

  /**
   * @param stream asked for when there is a line to print
   * @param beforeWriting called before lines are written
   */
  constructor(stream: () => Output, beforeWriting: () => void) {
    this.#stream = stream;
    this.#beforeWriting = beforeWriting;
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

  /** Resolves when all lines are on their way to whoever reads. A reader that went away is not an error. */
  async end(): Promise<void> {
    if (!this.#flush()) await drained(this.#stream());
  }

  /** Whether the stream takes more at once. */
  #flush(): boolean {
    if (this.#text === "") return true;
    const text = this.#text;
    this.#text = "";
    const stream = this.#stream();
    this.#beforeWriting();
    return !stream.writable || stream.write(text);
  }
}
