import node from "node:process";

/** Milliseconds from a fixed moment. `performance.now()` would load perf_hooks, which takes a millisecond. */
export function now(): number {
  const [seconds, nanoseconds] = node.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}
