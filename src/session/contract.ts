import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import type { Cause } from "./cause.ts";

/** How many packages may be in flight. */
export interface WindowLimits {
  /** At the start. */
  readonly min: number;
  readonly max: number;
  /** The window grows to what is answered in this many milliseconds, or in a round trip if that takes longer. */
  readonly horizonMs: number;
  /**
   * Whether other sessions take packages from the same source: this one then takes none before it has room for it.
   */
  readonly shared: boolean;
}

export interface Limits {
  /** Milliseconds without a byte sent or received. */
  readonly idleMs: number;
  /** Milliseconds that one write may take; by default `idleMs`. */
  readonly writeMs?: number;
  /** Milliseconds for the session; qmtp.txt, section 2, allows an hour. */
  readonly sessionMs: number;
  /** Milliseconds of the whole run, if the session is its last part and must end with it. */
  readonly runMs?: number | undefined;
  /** Milliseconds to wait, after the signal, for responses to packages in flight; by default none. */
  readonly drainMs?: number;
  /** By default, thousands of packages, all from a source of its own. */
  readonly window?: WindowLimits;
}

/** Observes the bytes sent and received. */
export interface Observer {
  sent(part: "head" | "body" | "tail", bytes: Buffer): void;
  received(bytes: Buffer): void;
}

export interface SessionOptions<P extends Package> {
  readonly limits: Limits;
  /**
   * Called exactly once for every package taken from the source, with a delivery for each recipient, in order.
   * Packages that the session never took are left to the caller.
   */
  readonly onSettled: (pkg: P, deliveries: Delivery[]) => void;
  /** Called with the total of bytes that the connection has taken. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly observer?: Observer | undefined;
  /** When aborted, the session takes no more packages and ends: at once, or after `drainMs`. */
  readonly signal?: AbortSignal;
}

export interface SessionEnd {
  /** Why the session ended before everything was answered, or null. */
  readonly cause: Cause | null;
  readonly violations: readonly Violation[];
  /** Milliseconds from the start until the connection took the last byte. */
  readonly sendMs: number;
  /** Milliseconds from then until everything was answered, or the session ended. */
  readonly responseMs: number;
}
