import { createHistogram } from "node:perf_hooks";

/** Milliseconds. */
export interface LatencySummary {
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly "p99.9": number;
  readonly max: number;
}

/** How many took no longer than this, and longer than the bucket before. */
export interface Bucket {
  readonly upToMs: number;
  readonly count: number;
}

/** More microseconds than a session lasts. */
const HIGHEST = 4_000_000_000;
/** Bounds of buckets in each decade: about the same distance apart on a logarithmic scale. */
const STEPS = [1, 1.5, 2, 3, 5, 7];
/** From 10 microseconds on. */
const BOUNDS = Array.from({ length: 9 }, (_, decade) =>
  STEPS.map((step) => Math.round(step * 10 ** (decade + 1))),
).flat();

/** Times in microseconds, with three digits: memory does not grow with their number. */
export class Latencies {
  readonly #histogram = createHistogram({ lowest: 1, highest: HIGHEST, figures: 3 });
  /** Node's histogram does not give its buckets. */
  readonly #buckets = new Float64Array(BOUNDS.length + 1);

  record(ms: number): void {
    const microseconds = Math.min(Math.max(Math.round(ms * 1_000), 1), HIGHEST);
    this.#histogram.record(microseconds);
    (this.#buckets[bucketOf(microseconds)] as number)++;
  }

  /** Null if there are none. */
  get summary(): LatencySummary | null {
    const histogram = this.#histogram;
    if (histogram.count === 0) return null;
    const percentile = (percent: number) => histogram.percentile(percent) / 1_000;
    return {
      mean: histogram.mean / 1_000,
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
      "p99.9": percentile(99.9),
      max: histogram.max / 1_000,
    };
  }

  /** From the first to the last that is not empty. */
  get buckets(): Bucket[] {
    const all = [...this.#buckets].map((count, at) => ({
      upToMs: (BOUNDS[at] ?? HIGHEST) / 1_000,
      count,
    }));
    const first = all.findIndex(({ count }) => count > 0);
    const last = all.findLastIndex(({ count }) => count > 0);
    return first === -1 ? [] : all.slice(first, last + 1);
  }
}

function bucketOf(microseconds: number): number {
  let [low, high] = [0, BOUNDS.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (microseconds <= (BOUNDS[middle] as number)) high = middle;
    else low = middle + 1;
  }
  return low;
}
