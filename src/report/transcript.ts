import type { Trace } from "../client/route.ts";
import type { OutputStream } from "../io/streams.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";

const LF = 0x0a;

/** The transcript of a connection for `-v`: `* ` for events, `> ` for bytes sent, `< ` for bytes received. */
export class Transcript implements Trace {
  readonly #stream: OutputStream;
  readonly #withBody: boolean;
  #bodyBytes = 0;

  constructor(stream: OutputStream, withBody: boolean) {
    this.#stream = stream;
    this.#withBody = withBody;
  }

  readonly note = (text: string): void => {
    this.#stream.write(`* ${sanitiseCapped(Buffer.from(text))}\n`);
  };

  readonly sent = (part: "head" | "body" | "tail", bytes: Buffer): void => {
    if (part === "body") {
      this.#bodyBytes += bytes.length;
      if (this.#withBody) this.#writeLines("> ", bytes);
      return;
    }
    if (part === "tail" && this.#bodyBytes > 0 && !this.#withBody) {
      this.#stream.write(`> [${this.#bodyBytes} bytes of the message]\n`);
    }
    this.#bodyBytes = 0;
    this.#writeLines("> ", bytes);
  };

  readonly received = (bytes: Buffer): void => {
    this.#writeLines("< ", bytes);
  };

  /** One line of output for each line feed, so that messages are readable. */
  #writeLines(mark: string, bytes: Buffer): void {
    let lines = "";
    for (let start = 0; start < bytes.length; ) {
      const end = bytes.indexOf(LF, start);
      const next = end === -1 ? bytes.length : end + 1;
      lines += `${mark}${sanitise(bytes.subarray(start, next))}\n`;
      start = next;
    }
    this.#stream.write(lines);
  }
}
