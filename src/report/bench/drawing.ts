import type { Bucket } from "../../bench/latencies.ts";

/** Characters of the longest bar, and of the line. */
const WIDTH = 40;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const HEIGHTS = "▁▂▃▄▅▆▇█";

/** A bar for each bucket. */
export function* drawHistogram(buckets: readonly Bucket[]): Generator<string, void> {
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  for (const { upToMs, count } of buckets) {
    yield `${`${upToMs} ms`.padStart(12)}  ${bar(count / most).padEnd(WIDTH)}  ${count}`;
  }
}

function bar(share: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * WIDTH * 8));
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

/** Values over time as one line. */
export function sparkline(values: readonly number[]): string {
  const each = Math.max(1, Math.ceil(values.length / WIDTH));
  const means: number[] = [];
  for (let at = 0; at < values.length; at += each) {
    const some = values.slice(at, at + each);
    means.push(some.reduce((sum, value) => sum + value, 0) / some.length);
  }
  const most = Math.max(1, ...means);
  const heights = means.map((mean) => HEIGHTS[Math.round((mean / most) * (HEIGHTS.length - 1))]);
  return `${heights.join("")}  at most ${Math.round(most)}`;
}
