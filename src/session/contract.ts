import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import type { Cause } from "./cause.ts";

export interface Limits {
  /** Milliseconds without a byte sent or received. */
  readonly idleMs: number;
  /** Milliseconds that a write may take; by default `idleMs`. */
  readonly writeMs?: number;
  /** Milliseconds for the whole session: an hour, says qmtp.txt, section 2. */
  readonly sessionMs: number;
  /** Milliseconds, after the signal, to wait for responses to packages in flight; by default none. */
  readonly drainMs?: number;
}

/** Observes the bytes sent and received. */
export interface Observer {
  sent(part: "head" | "body" | "tail", bytes: Buffer): void;
  received(bytes: Buffer): void;
}

export interface SessionOptions<P extends Package> {
  readonly limits: Limits;
  /**
   * Called once for every package taken from the source, whatever happens, with a delivery for each recipient, in
   * order. Packages that the session never took are the caller's.
   */
  readonly onSettled: (pkg: P, deliveries: Delivery[]) => void;
  /** Called with the number of bytes that the connection has taken so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly observer?: Observer | undefined;
  /** Takes no more packages, and ends the session: at once, or after `drainMs`. */
  readonly signal?: AbortSignal;
}

export interface SessionEnd {
  /** Why the session ended before everything was answered, or null. */
  readonly cause: Cause | null;
  readonly violations: readonly Violation[];
  /** Milliseconds from the first byte until the last one was taken, and from then until the end. */
  readonly sendMs: number;
  readonly responseMs: number;
}
