import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import type { Cause } from "./cause.ts";

export interface Limits {
  /** Milliseconds without a byte taken or received. */
  readonly idleMs: number;
  /** Milliseconds that a write may wait to be taken, where that is less. */
  readonly writeMs?: number;
  /** Milliseconds for the whole session: an hour, says qmtp.txt, section 2. */
  readonly sessionMs: number;
}

/** What goes over the connection, for those who watch. */
export interface Observer {
  sent(part: "head" | "body" | "tail", bytes: Buffer): void;
  received(bytes: Buffer): void;
}

export interface SessionOptions<P extends Package> {
  readonly limits: Limits;
  /**
   * Called once for every package that was taken from the source, whatever happens, with a delivery for each of
   * its recipients, in order. Packages that were never asked for are the business of whoever has them.
   */
  readonly onSettled: (pkg: P, deliveries: Delivery[]) => void;
  /** Called with the bytes that the connection has taken so far. */
  readonly onProgress?: (bytes: number) => void;
  readonly observer?: Observer | undefined;
  /** Ends the session at once; the reason's message says by what. */
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
