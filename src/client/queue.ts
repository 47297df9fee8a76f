/** First in, first out, in constant time however long it gets: `Array.shift` moves all that is left. */
export class Queue<T> {
  #items: T[] = [];
  /** Items at the front that were taken and not yet trimmed. */
  #taken = 0;

  get isEmpty(): boolean {
    return this.#taken === this.#items.length;
  }

  add(item: T): void {
    this.#items.push(item);
  }

  take(): T | undefined {
    if (this.isEmpty) return undefined;
    const item = this.#items[this.#taken++];
    // Halving it now and then keeps the mean cost constant.
    if (this.#taken * 2 > this.#items.length) this.#items = this.takeAll();
    return item;
  }

  takeAll(): T[] {
    const items = this.#items.slice(this.#taken);
    this.#items = [];
    this.#taken = 0;
    return items;
  }

  /** Puts items that were taken back at the front. */
  putBack(items: readonly T[]): void {
    this.#items = [...items, ...this.takeAll()];
  }

  /** Removes the first item that fits. */
  remove(fits: (item: T) => boolean): T | undefined {
    const at = this.#items.findIndex((item, index) => index >= this.#taken && fits(item));
    return at === -1 ? undefined : this.#items.splice(at, 1)[0];
  }
}
