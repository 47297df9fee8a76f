import { now } from "../io/clock.ts";
import type { Package } from "../protocol/package.ts";
import { type Plan, recipientLists } from "./plan.ts";

/** A package, and when it was due and sent; milliseconds of `now`. */
export interface TimedPackage extends Package {
  /** In a closed loop, when it was sent. */
  readonly dueAt: number;
  readonly sentAt: number;
  /** False during the warm-up. */
  readonly measured: boolean;
}

/** The longest that Node's timers can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A package that was sent this many milliseconds after it was due counts as late. Timers are good to a few. */
export const LATE_MS = 10;

/** Something that waits for packages to send. */
interface Taker {
  /** Offers it what is due, or the end. */
  wake(): void;
}

/** Decides when packages are sent, and when the run is over. All sessions take their packages from it. */
export class Schedule {
  readonly #plan: Plan;
  readonly #lists: readonly (readonly Buffer[])[];
  /** Those with room, which wait until a package is due; longest first. */
  readonly #idle = new Set<Taker>();
  readonly #all = new Set<Taker>();
  #startedAt: number | undefined;
  /** When the warm-up is over. */
  #measuredFrom = Number.POSITIVE_INFINITY;
  #endAt = Number.POSITIVE_INFINITY;
  #taken = 0;
  #measured = 0;
  /** When `end` was called. */
  #endedAt: number | undefined;
  #dueTimer: NodeJS.Timeout | undefined;
  #endTimer: NodeJS.Timeout | undefined;
  #measureTimer: NodeJS.Timeout | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#lists = recipientLists(plan);
  }

  get started(): boolean {
    return this.#startedAt !== undefined;
  }

  /** When the warm-up is over; milliseconds of `now`. */
  get measuredFrom(): number {
    return this.#measuredFrom;
  }

  /** Whether there are no more packages to send. */
  get over(): boolean {
    return this.#endedAt !== undefined;
  }

  /** @param onMeasure called when the warm-up is over */
  start(onMeasure: () => void): void {
    if (this.over) return;
    const { warmUpMs, durationMs } = this.#plan;
    this.#startedAt = now();
    this.#measuredFrom = this.#startedAt + warmUpMs;
    this.#endAt = this.#measuredFrom + durationMs;
    if (warmUpMs > 0) this.#measureTimer = setTimeout(onMeasure, warmUpMs);
    else onMeasure();
    if (Number.isFinite(durationMs)) {
      this.#endTimer = setTimeout(() => this.#finish(), Math.min(warmUpMs + durationMs, MAX_TIMER_MS));
    }
    this.#offer();
  }

  /** There are no more packages. */
  end(): void {
    if (this.over) return;
    this.#endedAt = now();
    for (const timer of [this.#dueTimer, this.#endTimer, this.#measureTimer]) clearTimeout(timer);
    for (const taker of this.#all) taker.wake();
  }

  /** Announces something that will take packages. */
  join(taker: Taker): void {
    this.#all.add(taker);
  }

  leave(taker: Taker): void {
    this.#all.delete(taker);
    this.#idle.delete(taker);
  }

  /** The next package if it is due. If not, the taker is woken when it is, or when the run is over. */
  take(taker: Taker): TimedPackage | undefined {
    this.#idle.delete(taker);
    if (this.over) return undefined;
    const at = now();
    const dueAt = this.#dueAt(at);
    if (this.started && dueAt >= this.#endAt) {
      this.end();
      return undefined;
    }
    if (dueAt <= at) return this.#next(dueAt, at);
    this.#idle.add(taker);
    if (this.started) this.#dueTimer ??= setTimeout(() => this.#offer(), Math.max(0, dueAt - at));
    return undefined;
  }

  /** Packages that were due and were never sent. */
  get unsent(): number {
    const { rate, messages } = this.#plan;
    if (rate === undefined || this.#startedAt === undefined) return 0;
    const until = Math.min(this.#endedAt ?? now(), this.#endAt);
    const due = Math.min(Math.ceil(((until - this.#measuredFrom) / 1_000) * rate), messages);
    return Math.max(0, due - this.#measured);
  }

  /** The time is up. What was due is still sent if there is room: only the timers were late. */
  #finish(): void {
    if (this.over || this.#idle.size === 0 || this.#dueAt(now()) >= this.#endAt) {
      this.end();
      return;
    }
    this.#offer();
    setImmediate(() => this.#finish());
  }

  #dueAt(at: number): number {
    if (this.#startedAt === undefined) return Number.POSITIVE_INFINITY;
    const { rate } = this.#plan;
    return rate === undefined ? at : this.#startedAt + (this.#taken / rate) * 1_000;
  }

  #next(dueAt: number, sentAt: number): TimedPackage {
    const { sender, message, messages } = this.#plan;
    const recipients = this.#lists[this.#taken++ % this.#lists.length] as readonly Buffer[];
    const measured = dueAt >= this.#measuredFrom;
    if (measured && ++this.#measured === messages) this.end();
    return { sender, recipients, message, dueAt, sentAt, measured };
  }

  /** Offers what is due to those that wait. */
  #offer(): void {
    this.#dueTimer = undefined;
    for (const taker of [...this.#idle]) {
      if (this.#dueTimer !== undefined) return;
      taker.wake();
    }
  }
}
