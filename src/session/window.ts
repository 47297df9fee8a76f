import { now } from "../io/clock.ts";
import type { Ledger } from "../protocol/ledger.ts";
import type { Package } from "../protocol/package.ts";
import type { WindowLimits } from "./contract.ts";

/**
 * At the start, and on most paths throughout, few enough packages to send again after a crash; at most, on a long
 * path, what a killed run may have to send again.
 */
const DEFAULT: WindowLimits = { min: 1_024, max: 4_096, horizonMs: 0, shared: false };
/** Most bytes in flight: a broken session may have to send them again. A larger package is sent alone. */
const MAX_BYTES = 64 * 1024 * 1024;
/** The window is this many times the packages answered in a round trip: one that was too small doubles. */
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
 * How many packages may be in flight. On a long path, packages wait for the round trip, and the window grows to fill
 * the path. With a slow server it does not grow, because that would not help: the shortest time to a response is
 * still short there, and few packages are answered in that time.
 */
export class Window<P extends Package> {
  readonly #ledger: Ledger<P>;
  readonly #limits: WindowLimits;
  #packages: number;
  #written = 0;
  #probe: Probe | undefined;
  /** Milliseconds of the shortest time from a package's last byte to its response; infinite at first. */
  roundTripMs = Number.POSITIVE_INFINITY;

  constructor(ledger: Ledger<P>, limits = DEFAULT) {
    this.#ledger = ledger;
    this.#limits = limits;
    this.#packages = limits.min;
  }

  /** Whether the next package should be left to other sessions for now. */
  get leavesToOthers(): boolean {
    return this.#limits.shared && this.#ledger.packages >= this.#packages;
  }

  /** Whether a package of this many bytes may be sent now. */
  hasRoomFor(bytes: number): boolean {
    const { packages, bytes: inFlight, lastHasSeveralRecipients } = this.#ledger;
    if (packages === 0) return true;
    // Some servers answer once per package. If another package followed, its response would be taken for the response
    // to this package's second recipient.
    if (lastHasSeveralRecipients) return false;
    return packages < this.#packages && inFlight + bytes <= MAX_BYTES;
  }

  /** The final bytes of the first `count` packages were handed to the connection. */
  onWritten(count: number): void {
    // Time the first package of a write: the others also wait for the server, not only for the path.
    const first = this.#written + 1;
    this.#written = count;
    if (this.#probe !== undefined || first > count) return;
    this.#probe = { package: first, sentAt: now(), settled: this.#ledger.settled };
  }

  /** Called when the ledger has settled responses. */
  onSettled(): void {
    const probe = this.#probe;
    const { settled } = this.#ledger;
    if (probe === undefined || settled < probe.package) return;
    this.#probe = undefined;
    // A clock that has not advanced would make the rate infinite.
    const tookMs = Math.max(now() - probe.sentAt, 0.001);
    this.roundTripMs = Math.min(this.roundTripMs, tookMs);
    const { horizonMs, shared } = this.#limits;
    // One quick response says little: what one session takes too early, the others cannot.
    const max = shared ? Math.min(GROWTH * this.#packages, this.#limits.max) : this.#limits.max;
    const inTime = ((settled - probe.settled) / tookMs) * Math.max(this.roundTripMs, horizonMs);
    this.#packages = Math.min(Math.max(this.#packages, Math.ceil(GROWTH * inTime)), max);
  }
}
