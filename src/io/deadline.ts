/** A timer that is cheap to restart: sessions restart theirs at every read and write. */
export class Deadline {
  readonly #ms: number;
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param ms milliseconds from `start` or the last `restart` until `expired` is called */
  constructor(ms: number, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  /** Starts the timer unless it is running. @param ms overrides the time, for later restarts too */
  start(ms = this.#ms): void {
    this.#timer ??= setTimeout(this.#expired, ms);
  }

  restart(): void {
    if (this.#timer === undefined) this.#timer = setTimeout(this.#expired, this.#ms);
    else this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
