import type { Trace } from "../client/route.ts";
import { now } from "../io/clock.ts";
import { Deadline } from "../io/deadline.ts";
import { NetstringLines } from "./netstring-lines.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";

const LF = 0x0a;
/** Milliseconds after which an incomplete response is shown: the server may never send the rest. */
const PATIENCE_MS = 200;

/**
 * The transcript of a connection: `* ` for events, `> ` for bytes sent, `< ` for bytes received, each preceded by the
 * milliseconds since the first line. Each netstring has its own line.
 */
export class Transcript implements Trace {
  readonly #write: (text: string) => void;
  readonly #withMessage: boolean;
  readonly #sent = new NetstringLines();
  readonly #received = new NetstringLines();
  readonly #overdue = new Deadline(PATIENCE_MS, () => this.#flushReceived());
  /** Transcripts of several sessions count from the same moment. */
  readonly #clock: { startedAt: number | undefined };
  /** Names the session at the beginning of each line, if there are several at once. */
  readonly #label: string;
  /** Bytes of the message so far; undefined if none is being sent. */
  #messageBytes: number | undefined;

  /** @param write called with complete lines; not called before the first event */
  constructor(
    write: (text: string) => void,
    withMessage: boolean,
    label = "",
    clock: { startedAt: number | undefined } = { startedAt: undefined },
  ) {
    this.#write = write;
    this.#withMessage = withMessage;
    this.#label = label;
    this.#clock = clock;
  }

  forSession(number: number): Transcript {
    return new Transcript(this.#write, this.#withMessage, `[${number}] `, this.#clock);
  }

  readonly note = (text: string): void => {
    this.#flushReceived();
    if (this.#messageBytes !== undefined) this.#print(">", [Buffer.from(this.#summary("; not completed"))]);
    this.#messageBytes = undefined;
    this.#sent.reset();
    this.#received.reset();
    this.#printLines("*", [sanitiseCapped(Buffer.from(text))]);
  };

  readonly sent = (part: "head" | "body" | "tail", bytes: Buffer): void => {
    if (part === "head") {
      this.#messageBytes = 0;
      this.#print(">", [bytes]);
    } else if (part === "body") {
      this.#messageBytes = (this.#messageBytes ?? 0) + bytes.length;
      if (this.#withMessage) this.#print(">", linesOf(bytes));
    } else {
      this.#print(">", this.#tailLines(bytes));
    }
  };

  readonly received = (bytes: Buffer): void => {
    this.#print("<", [...this.#received.split(bytes)]);
    if (this.#received.begun) this.#overdue.start();
    else this.#overdue.stop();
  };

  /** The first byte after the message is the comma that ends its netstring. */
  #tailLines(bytes: Buffer): Buffer[] {
    if (this.#messageBytes === undefined) return [...this.#sent.split(bytes)];
    const end = Buffer.from(this.#withMessage ? "," : `${this.#summary()},`);
    this.#messageBytes = undefined;
    return [end, ...this.#sent.split(bytes.subarray(1))];
  }

  #summary(remark = ""): string {
    return `[${this.#messageBytes} bytes of the message${remark}]`;
  }

  #flushReceived(): void {
    this.#overdue.stop();
    this.#print("<", this.#received.flush());
  }

  #print(mark: string, lines: readonly Buffer[]): void {
    if (lines.length > 0) this.#printLines(mark, lines.map(sanitise));
  }

  #printLines(mark: string, lines: readonly string[]): void {
    const { startedAt = now() } = this.#clock;
    this.#clock.startedAt = startedAt;
    const begin = `+${(now() - startedAt).toFixed(1)} ms ${this.#label}${mark} `;
    this.#write(lines.map((line) => `${begin}${line}\n`).join(""));
  }
}

/** One line for each line feed, so that messages are readable. */
function linesOf(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(LF, start);
    const next = end === -1 ? bytes.length : end + 1;
    lines.push(bytes.subarray(start, next));
    start = next;
  }
  return lines;
}
