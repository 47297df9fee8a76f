import type { Ora } from "ora";
import { now } from "../io/clock.ts";
import type { OutputStream } from "../io/streams.ts";

/** Milliseconds before progress is shown. */
const PATIENCE_MS = 500;

/** Milliseconds between changes of the text. */
const REFRESH_MS = 200;

/** Returns the text to show; called several times a second. */
export type ProgressText = (elapsedMs: number) => string;

/** A spinner with a text, for work that takes time. */
export class Progress {
  readonly #stream: () => OutputStream | undefined;
  readonly #textOf: ProgressText;
  readonly #startedAt = now();
  readonly #timer: NodeJS.Timeout;
  #refresh: NodeJS.Timeout | undefined;
  #spinner: Ora | undefined;
  #stopped = false;

  /** @param stream returns the terminal, if there is one; called when there is something to show */
  constructor(stream: () => OutputStream | undefined, text: ProgressText) {
    this.#stream = stream;
    this.#textOf = text;
    this.#timer = setTimeout(() => this.#show().catch(() => undefined), PATIENCE_MS);
    this.#timer.unref();
  }

  /** Removes the spinner from the terminal. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#refresh);
    this.#spinner?.stop();
    this.#spinner = undefined;
  }

  async #show(): Promise<void> {
    const stream = this.#stream() as NodeJS.WriteStream | undefined;
    // On a terminal of unknown width, ora would never stop clearing lines.
    if (stream === undefined || !(stream.columns > 0)) return;
    const { default: ora } = await import("ora");
    if (this.#stopped) return;
    // If ora hides the cursor, it also handles signals, and ends the process before it has reported. Nor may it read
    // standard input, which is the message. Lines written to the terminal meanwhile appear above the spinner.
    const spinner = ora({
      stream,
      text: this.#text(),
      hideCursor: false,
      discardStdin: false,
      isEnabled: true,
    }).start();
    this.#spinner = spinner;
    this.#refresh = setInterval(() => {
      spinner.text = this.#text();
    }, REFRESH_MS);
  }

  #text(): string {
    return this.#textOf(now() - this.#startedAt);
  }
}

/** Bytes sent and their rate. */
export function bytesSent(sent: number, total: number, elapsedMs: number): string {
  const rate = `${size(sent / (elapsedMs / 1_000))}/s`;
  if (sent < total) return `sent ${size(sent)} of ${size(total)}, ${rate}`;
  return `sent ${size(sent)}, ${rate}; waiting for responses`;
}

/** Messages done and in all, their rate, and the time left. */
export function messagesDone(done: number, total: number, elapsedMs: number): string {
  const perSecond = done / (elapsedMs / 1_000);
  const left = done === 0 ? "" : `, ${Math.ceil((total - done) / perSecond)} s left`;
  return `${done} of ${total} messages, ${Math.round(perSecond)}/s${left}`;
}

/** Messages stored in a spool of all, their rate, and the time left. */
export function messagesStored(stored: number, total: number, elapsedMs: number): string {
  return `spooled ${messagesDone(stored, total, elapsedMs)}`;
}

/** How much of a file has been read, before it is sent. */
export function bytesRead(read: number, total: number): string {
  return `read ${size(read)} of ${size(total)}`;
}

export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 ? Math.round(value) : value.toPrecision(3)} ${units[power]}`;
}
