import type { Bucket } from "../../bench/latencies.ts";

/** Characters of the longest bar, and of the line, where there is room. */
const MOST = 40;
/** Enough to see a shape. */
const LEAST = 10;
/** Columns for what is beside them. */
const BESIDE = 30;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
const HEIGHTS = "▁▂▃▄▅▆▇█";

/** How wide to draw on a terminal with this many columns. */
export function widthOn(columns: number): number {
  return Math.max(LEAST, Math.min(MOST, columns - BESIDE));
}

/** A bar for each bucket, the longest of this many characters. */
export function* drawHistogram(buckets: readonly Bucket[], width: number): Generator<string, void> {
  const most = Math.max(1, ...buckets.map(({ count }) => count));
  for (const { upToMs, count } of buckets) {
    yield `${`${upToMs} ms`.padStart(12)}  ${bar(count / most, width).padEnd(width)}  ${count}`;
  }
}

function bar(share: number, width: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * width * 8));
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

/** Values over time as one line of at most this many characters. */
export function sparkline(values: readonly number[], width: number): string {
  const each = Math.max(1, Math.ceil(values.length / width));
  const means: number[] = [];
  for (let at = 0; at < values.length; at += each) {
    const some = values.slice(at, at + each);
    means.push(some.reduce((sum, value) => sum + value, 0) / some.length);
  }
  const most = Math.max(1, ...means);
  const heights = means.map((mean) => HEIGHTS[Math.round((mean / most) * (HEIGHTS.length - 1))]);
  return `${heights.join("")}  at most ${Math.round(most)}`;
}
