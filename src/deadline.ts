/** One timer that can be set back without making a new one: it is moved on at every read and write. */
export class Deadline {
  readonly #ms: number;
  readonly #expired: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param ms milliseconds from `start` or the last `restart` until `expired` is called */
  constructor(ms: number, expired: () => void) {
    this.#ms = ms;
    this.#expired = expired;
  }

  /** Begins to count, unless it does so already. */
  start(): void {
    this.#timer ??= setTimeout(this.#expired, this.#ms);
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
