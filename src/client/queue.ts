/**
 * First in, first out. Each operation takes constant time on average, however long the queue gets: `Array.shift` and
 * removing from the middle of an array move all that follows.
 */
export class Queue<T> {
  /** In order. Those at the front were taken; others may have been removed. */
  #items: T[] = [];
  #taken = 0;
  readonly #waiting = new Set<T>();

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#waiting.add(item);
  }

  take(): T | undefined {
    while (this.#taken < this.#items.length) {
      const item = this.#items[this.#taken++] as T;
      // Halving it now and then keeps the mean cost constant.
      if (this.#taken * 2 > this.#items.length) this.#trim();
      if (this.#waiting.delete(item)) return item;
    }
    return undefined;
  }

  takeAll(): T[] {
    const items = this.#items.slice(this.#taken).filter((item) => this.#waiting.has(item));
    this.#items = [];
    this.#taken = 0;
    this.#waiting.clear();
    return items;
  }

  /** Puts items that were taken back at the front. */
  putBack(items: readonly T[]): void {
    const all = [...items, ...this.takeAll()];
    for (const item of all) this.add(item);
  }

  /** @returns whether it was there */
  remove(item: T): boolean {
    return this.#waiting.delete(item);
  }

  #trim(): void {
    this.#items = this.#items.slice(this.#taken);
    this.#taken = 0;
  }
}
