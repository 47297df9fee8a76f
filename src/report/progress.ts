import type { Ora } from "ora";
import type { Output } from "../context.ts";

/** What takes less than this is over before anybody wonders, in milliseconds. */
const PATIENCE_MS = 500;

/** A spinner with the bytes sent and their rate, once the sending takes long enough to be wondered about. */
export class Progress {
  readonly #stream: () => Output | undefined;
  readonly #total: number;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #spinner: Ora | undefined;
  #bytes = 0;
  #stopped = false;

  /**
   * @param stream asked for the terminal when there is something to show, if there is one
   * @param total bytes that will be sent in all
   */
  constructor(stream: () => Output | undefined, total: number) {
    this.#stream = stream;
    this.#total = total;
    this.#timer = setTimeout(() => this.#show().catch(() => undefined), PATIENCE_MS);
    this.#timer.unref();
  }

  /** @param bytes sent so far */
  readonly update = (bytes: number): void => {
    this.#bytes = bytes;
    if (this.#spinner !== undefined) this.#spinner.text = this.#text();
  };

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
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const rate = `${size(this.#bytes / seconds)}/s`;
    if (this.#bytes < this.#total) return `sent ${size(this.#bytes)} of ${size(this.#total)}, ${rate}`;
    return `sent ${size(this.#bytes)}, ${rate}; waiting for responses`;
  }
}

function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1_000 ** power;
  return `${power === 0 ? Math.round(value) : value.toPrecision(3)} ${units[power]}`;
}
