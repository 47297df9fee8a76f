/** Slices to keep; twice as many are merged in pairs. */
const SLICES = 120;
const FIRST_WIDTH_MS = 100;

/** Counts over time, in slices that widen as the run gets longer: memory does not grow. */
export class Timeline {
  #counts: number[] = [];
  #widthMs = FIRST_WIDTH_MS;

  /** @param ms since the beginning */
  add(ms: number): void {
    let at = Math.max(0, Math.floor(ms / this.#widthMs));
    while (at >= 2 * SLICES) {
      this.#merge();
      at = Math.floor(ms / this.#widthMs);
    }
    while (this.#counts.length <= at) this.#counts.push(0);
    (this.#counts[at] as number)++;
  }

  /** Events a second in each slice; the last one may be shorter, and is left out if there are others. */
  get perSecond(): readonly number[] {
    const whole = this.#counts.length > 1 ? this.#counts.slice(0, -1) : this.#counts;
    return whole.map((count) => (count / this.#widthMs) * 1_000);
  }

  get widthMs(): number {
    return this.#widthMs;
  }

  #merge(): void {
    const pairs: number[] = [];
    for (let at = 0; at < this.#counts.length; at += 2) {
      pairs.push((this.#counts[at] as number) + (this.#counts[at + 1] ?? 0));
    }
    this.#counts = pairs;
    this.#widthMs *= 2;
  }
}
