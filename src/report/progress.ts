import type { Ora } from "ora";
import type { Output } from "../context.ts";

/** What takes less than this is over before anybody wonders, in milliseconds. */
const PATIENCE_MS = 500;

/** What there is to show of work that goes on; asked for whenever it changed. */
export type Words = (elapsedMs: number) => string;

/** A spinner with words, once the work takes long enough to be wondered about. */
export class Progress {
  readonly #stream: () => Output | undefined;
  readonly #words: Words;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #spinner: Ora | undefined;
  #stopped = false;

  /** @param stream asked for the terminal when there is something to show, if there is one */
  constructor(stream: () => Output | undefined, words: Words) {
    this.#stream = stream;
    this.#words = words;
    this.#timer = setTimeout(() => this.#show().catch(() => undefined), PATIENCE_MS);
    this.#timer.unref();
  }

  /** There is something new to show. */
  update(): void {
    if (this.#spinner !== undefined) this.#spinner.text = this.#text();
  }

  /** Makes room for lines that go to the same terminal; the spinner comes back by itself. */
  clear(): void {
    this.#spinner?.clear();
  }

  /** Takes the spinner off the terminal. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#spinner?.stop();
  }

  async #show(): Promise<void> {
    const stream = this.#stream() as NodeJS.WriteStream | undefined;
    // On a terminal that does not know its width, ora would clear lines without end.
    if (stream === undefined || !(stream.columns > 0)) return;
    const { default: ora } = await import("ora");
    if (this.#stopped) return;
    // A hidden cursor would need a handler for signals that ends the process before it has reported; and
    // standard input belongs to the message.
    this.#spinner = ora({
      stream,
      text: this.#text(),
      hideCursor: false,
      discardStdin: false,
      isEnabled: true,
    }).start();
  }

  #text(): string {
    return this.#words(performance.now() - this.#startedAt);
  }
}

/** Bytes sent and their rate. */
export function bytesSent(sent: number, total: number, elapsedMs: number): string {
  const rate = `${size(sent / (elapsedMs / 1_000))}/s`;
  if (sent < total) return `sent ${size(sent)} of ${size(total)}, ${rate}`;
  return `sent ${size(sent)}, ${rate}; waiting for responses`;
}

/** Messages done of all, their rate, and the time left. */
export function messagesDone(done: number, total: number, elapsedMs: number): string {
  const perSecond = done / (elapsedMs / 1_000);
  const left = done === 0 ? "" : `, ${Math.ceil((total - done) / perSecond)} s left`;
  return `${done} of ${total} messages, ${Math.round(perSecond)}/s${left}`;
}

function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 ? Math.round(value) : value.toPrecision(3)} ${units[power]}`;
}
