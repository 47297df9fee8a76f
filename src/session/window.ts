import type { Ledger } from "../protocol/ledger.ts";
import type { Package } from "../protocol/package.ts";

/** Packages in flight at first, and on most paths for ever: few enough to send again after a crash. */
const MIN_PACKAGES = 1_024;
/** Packages in flight over a long path: what a killed run may have to send again. */
const MAX_PACKAGES = 4_096;
/** Bytes in flight: what a broken session may have to send again. A larger package goes alone. */
const MAX_BYTES = 64 * 1024 * 1024;
/** As many packages again as are answered during a round trip: if the window was too small, it doubles. */
const GROWTH = 2;

/** A package whose response is being timed. */
interface Probe {
  /** Its number, from 1. */
  readonly package: number;
  readonly sentAt: number;
  /** Packages settled when it was sent. */
  readonly settled: number;
}

/**
 * How many packages may be in flight. On a long path, packages wait for the round trip, and the window grows to what
 * the path holds. With a slow server it does not grow, because a larger one would not help: there, the shortest time to
 * a response is still short, and so is the number of packages answered in that time.
 */
export class Window<P extends Package> {
  readonly #ledger: Ledger<P>;
  #packages = MIN_PACKAGES;
  #written = 0;
  #probe: Probe | undefined;
  /** The shortest time from a package's last byte to its response, in milliseconds; infinite at first. */
  roundTripMs = Number.POSITIVE_INFINITY;

  constructor(ledger: Ledger<P>) {
    this.#ledger = ledger;
  }

  /** Whether a package of this many bytes may be sent now. */
  hasRoomFor(bytes: number): boolean {
    const { packages, bytes: inFlight, lastHasSeveralRecipients } = this.#ledger;
    if (packages === 0) return true;
    // Some servers answer once per package. If another package followed this one, the response to it would pass for
    // that to this one's second recipient.
    if (lastHasSeveralRecipients) return false;
    return packages < this.#packages && inFlight + bytes <= MAX_BYTES;
  }

  /** The final bytes of the first `count` packages were handed to the connection. */
  written(count: number): void {
    // The first of this write: the others also wait for the server, not only for the path.
    const first = this.#written + 1;
    this.#written = count;
    if (this.#probe !== undefined || first > count) return;
    this.#probe = { package: first, sentAt: performance.now(), settled: this.#ledger.settled };
  }

  /** Responses were settled in the ledger. */
  answered(): void {
    const probe = this.#probe;
    const { settled } = this.#ledger;
    if (probe === undefined || settled < probe.package) return;
    this.#probe = undefined;
    // A clock that shows no time has passed would make the rate infinite.
    const tookMs = Math.max(performance.now() - probe.sentAt, 0.001);
    this.roundTripMs = Math.min(this.roundTripMs, tookMs);
    const inRoundTrip = ((settled - probe.settled) / tookMs) * this.roundTripMs;
    this.#packages = Math.min(Math.max(this.#packages, Math.ceil(GROWTH * inRoundTrip)), MAX_PACKAGES);
  }
}
