import type { Latencies } from "./latencies.ts";
import type { BenchResult } from "./result.ts";

/** Packages answered a second. */
export function rateOf({ tally, elapsedMs }: BenchResult): number {
  return elapsedMs === 0 ? 0 : (tally.answered / elapsedMs) * 1_000;
}

/** Bytes of messages answered a second. */
export function bytesPerSecond(result: BenchResult): number {
  return rateOf(result) * result.plan.message.length;
}

/** The latencies to judge by: in an open loop those from due, which a stalled server cannot hide. */
export function fromDueOrSent({ plan, tally }: BenchResult): Latencies {
  return plan.rate === undefined ? tally.fromSent : tally.fromDue;
}
