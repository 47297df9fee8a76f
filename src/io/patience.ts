import { onAbort } from "./abort.ts";
import { now } from "./clock.ts";

/** The time that a whole run may take, from now on. */
export class TimeLimit {
  /** All of it, in milliseconds. */
  readonly ms: number;
  readonly #end: number;

  constructor(ms: number) {
    this.ms = ms;
    this.#end = now() + ms;
  }

  /** Milliseconds left; 0 when the time is over. */
  get leftMs(): number {
    return Math.max(0, this.#end - now());
  }
}

/** When to stop waiting. */
export interface Patience {
  readonly signal: AbortSignal;
  /** The time of the run, if it is limited. */
  readonly limit?: TimeLimit | undefined;
}

/** A wait that has begun. */
export interface Wait {
  /** Aborted with the other signal and its reason, or when the time is over. */
  readonly signal: AbortSignal;
  /** Stops watching the time, but not the other signal: what was waited for may need it. */
  end(): void;
}

/** @param late makes the reason if the time is over, from all of it in milliseconds */
export function startWait({ signal, limit }: Patience, late: (ms: number) => Error): Wait {
  if (limit === undefined) return { signal, end: () => {} };
  const wait = new AbortController();
  const timer = setTimeout(() => wait.abort(late(limit.ms)), limit.leftMs);
  onAbort(signal, () => wait.abort(signal.reason));
  return { signal: wait.signal, end: () => clearTimeout(timer) };
}
