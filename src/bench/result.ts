import type { QmtpError } from "../errors.ts";
import type { Server } from "../transport/connector.ts";
import type { Plan } from "./plan.ts";
import type { Tally } from "./tally.ts";

/** What is known at the end, or when a signal came. */
export interface BenchResult {
  readonly plan: Plan;
  readonly server: Server;
  readonly tally: Tally;
  /** Milliseconds from the end of the warm-up to the last response. */
  readonly elapsedMs: number;
  /** The share of time in which this process was busy, from 0 to 1; above 0.9, it was the limit. */
  readonly clientBusy: number;
  readonly connections: number;
  /** Packages of an open loop that were due and never sent. */
  readonly unsent: number;
  /** Sessions that were given up. */
  readonly lostSessions: number;
  /** Why the run was not as planned: it ended before its time, or with fewer sessions; or null. */
  readonly error: QmtpError | null;
}

/** How it is going. */
export interface BenchProgress {
  readonly phase: "connecting" | "warming up" | "measuring";
  readonly connections: number;
  readonly answered: number;
  readonly inFlight: number;
  /** Recipients without success. */
  readonly failures: number;
}
