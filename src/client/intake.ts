import type { Package, PackageSource } from "../protocol/package.ts";
import type { Queue } from "./queue.ts";

const DONE = { done: true, value: undefined } as const;

/**
 * The packages that one session takes from a queue. It waits for more while the queue is empty, until it is ended or
 * nothing has come for a while.
 */
export class Intake<P extends Package> implements PackageSource<P> {
  readonly #queue: Queue<P>;
  readonly #waitMs: number;
  readonly #taken = new Set<P>();
  #ended = false;
  #timer: NodeJS.Timeout | undefined;
  #wake: ((next: IteratorResult<P, undefined>) => void) | undefined;

  /** @param waitMs milliseconds to wait for the next package */
  constructor(queue: Queue<P>, waitMs: number) {
    this.#queue = queue;
    this.#waitMs = waitMs;
  }

  next(): IteratorResult<P, undefined> | Promise<IteratorResult<P, undefined>> {
    if (this.#ended) return DONE;
    const pkg = this.#queue.take();
    if (pkg !== undefined) {
      this.#taken.add(pkg);
      return { done: false, value: pkg };
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(() => this.end(), this.#waitMs);
    });
  }

  /** The queue has a package. */
  wake(): void {
    const wake = this.#wake;
    if (wake === undefined) return;
    this.#stopWaiting();
    wake(this.next() as IteratorResult<P, undefined>);
  }

  /** Gives the session no more packages. */
  end(): void {
    this.#ended = true;
    const wake = this.#wake;
    this.#stopWaiting();
    wake?.(DONE);
  }

  settled(pkg: P): void {
    this.#taken.delete(pkg);
  }

  /**
   * After the session: packages that it was given and did not settle, because it ended at the same moment. None of
   * them was sent.
   */
  get unsettled(): P[] {
    return [...this.#taken];
  }

  #stopWaiting(): void {
    clearTimeout(this.#timer);
    this.#wake = undefined;
  }
}
