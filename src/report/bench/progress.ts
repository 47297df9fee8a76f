import type { BenchProgress } from "../../bench/result.ts";
import type { ProgressText } from "../progress.ts";

/** Milliseconds over which the current rate is taken. */
const RATE_MS = 1_000;

/** The live line: rate, in flight, failures. @param now returns how it is going */
export function benchProgress(now: () => BenchProgress, interrupted: AbortSignal): ProgressText {
  let [rate, lastAt, lastCount] = [0, 0, 0];
  return (elapsedMs) => {
    const { phase, connections, answered, inFlight, failures } = now();
    if (interrupted.aborted) return "interrupted; waiting for responses";
    if (elapsedMs - lastAt >= RATE_MS) {
      rate = ((answered - lastCount) / (elapsedMs - lastAt)) * 1_000;
      [lastAt, lastCount] = [elapsedMs, answered];
    }
    if (phase === "connecting") return `connecting, ${connections} connections`;
    if (phase === "warming up") return `warming up, ${inFlight} in flight`;
    const failed = failures === 0 ? "" : `, ${failures} failed or deferred`;
    return `${answered} messages, ${Math.round(rate)}/s, ${inFlight} in flight${failed}`;
  };
}
