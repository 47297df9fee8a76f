import type { Retry, RetryEvents } from "../client/retry.ts";
import { now } from "../io/clock.ts";
import { bytesRead, bytesSent, type Progress, type ProgressText } from "./progress.ts";

/** Shows the progress of sending a message: reading a large file, connecting, sending, and waiting for a retry. */
export class SendProgress {
  readonly #start: (text: ProgressText) => Progress | undefined;
  readonly #signal: AbortSignal;
  #text: () => string = () => "";
  #progress: Progress | undefined;
  #started = false;

  /** @param start starts to show a text; called when there is something to show */
  constructor(start: (text: ProgressText) => Progress | undefined, signal: AbortSignal) {
    this.#start = start;
    this.#signal = signal;
  }

  readonly onRead = (bytes: number, total: number): void => this.#show(() => bytesRead(bytes, total));

  /** @param total returns the bytes of the current attempt's packages */
  events(total: () => number): RetryEvents {
    let attempt = "";
    let [sent, connectedAt, sentAt] = [0, 0, 0];
    let toSend: number | undefined;
    return {
      onConnecting: () => this.#show(() => `${attempt}connecting`),
      onConnected: () => {
        [sent, connectedAt, toSend] = [0, now(), undefined];
        this.#show(() => {
          toSend ??= total();
          // While waiting for responses, the rate stays the same.
          const until = sent < toSend ? now() : sentAt;
          return attempt + bytesSent(sent, toSend, until - connectedAt);
        });
      },
      onProgress: (bytes) => {
        [sent, sentAt] = [bytes, now()];
      },
      onRetry: (retry) => {
        attempt = `${attemptOf(retry)}: `;
        const at = now() + retry.delayMs;
        this.#show(() => `${attemptOf(retry)} in ${Math.max(0, Math.ceil((at - now()) / 1_000))} s`);
      },
    };
  }

  /** Removes the progress from the terminal, until there is more to show. */
  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
    this.#started = false;
  }

  #show(text: () => string): void {
    this.#text = text;
    if (this.#started) return;
    this.#started = true;
    this.#progress = this.#start(() =>
      this.#signal.aborted ? "interrupted; waiting for responses" : this.#text(),
    );
  }
}

function attemptOf({ attempt, attempts }: Retry): string {
  return `attempt ${attempt} of ${attempts}`;
}
