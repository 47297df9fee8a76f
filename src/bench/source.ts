import type { PackageSource } from "../protocol/package.ts";
import type { Plan } from "./plan.ts";
import type { Schedule, TimedPackage } from "./schedule.ts";

type Next = IteratorResult<TimedPackage, undefined>;

const DONE = { done: true, value: undefined } as const;

/** The packages of one connection: as many in flight as the window allows, and no more in all than planned. */
export class Source implements PackageSource<TimedPackage> {
  readonly #schedule: Schedule;
  readonly #window: number;
  #left: number;
  readonly #inFlight = new Set<TimedPackage>();
  #closed = false;
  #resolve: ((next: Next) => void) | undefined;

  constructor(schedule: Schedule, { window, reconnectAfter }: Plan) {
    this.#schedule = schedule;
    this.#window = window;
    this.#left = reconnectAfter;
    schedule.join(this);
  }

  /** Those without their responses. */
  get inFlight(): ReadonlySet<TimedPackage> {
    return this.#inFlight;
  }

  next(): Next | Promise<Next> {
    return (
      this.#available() ??
      new Promise((resolve) => {
        this.#resolve = resolve;
      })
    );
  }

  settled(pkg: TimedPackage): void {
    this.#inFlight.delete(pkg);
    this.wake();
  }

  wake(): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    // Taking the last package wakes everything, this included.
    this.#resolve = undefined;
    const next = this.#available();
    if (next === undefined) this.#resolve = resolve;
    else resolve(next);
  }

  /** The connection is gone, and gets no more packages. */
  close(): void {
    this.#closed = true;
    this.#schedule.leave(this);
  }

  #available(): Next | undefined {
    if (this.#closed || this.#schedule.over || this.#left === 0) return DONE;
    if (this.#inFlight.size >= this.#window) return undefined;
    const pkg = this.#schedule.take(this);
    if (pkg === undefined) return this.#schedule.over ? DONE : undefined;
    this.#inFlight.add(pkg);
    this.#left--;
    return { done: false, value: pkg };
  }
}
