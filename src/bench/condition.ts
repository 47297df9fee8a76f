import { usageError } from "../errors.ts";
import { fromDueOrSent, rateOf } from "./figures.ts";
import type { LatencySummary } from "./latencies.ts";
import type { BenchResult } from "./result.ts";

/** A limit that a result must keep. */
export interface Condition {
  /** As the user wrote it. */
  readonly text: string;
  readonly metric: string;
  readonly fails: (value: number) => boolean;
}

/** A condition that was true. */
export interface Miss {
  readonly condition: Condition;
  readonly value: number;
}

const LATENCIES = ["mean", "p50", "p90", "p99", "p99.9", "max"] as const;

const FIGURES: Readonly<Record<string, (result: BenchResult) => number>> = {
  rate: rateOf,
  success: ({ tally }) => tally.counts.success,
  deferral: ({ tally }) => tally.counts.deferral,
  failure: ({ tally }) => tally.counts.failure,
  unanswered: ({ tally }) => tally.unanswered,
  late: ({ tally }) => tally.late,
  unsent: ({ unsent }) => unsent,
  failedConnections: ({ tally }) => tally.failedConnections,
  brokenConnections: ({ tally }) => tally.brokenConnections,
  clientBusy: ({ clientBusy }) => clientBusy,
};

const COMPARISONS: Readonly<Record<string, (value: number, limit: number) => boolean>> = {
  ">": (value, limit) => value > limit,
  "<": (value, limit) => value < limit,
  ">=": (value, limit) => value >= limit,
  "<=": (value, limit) => value <= limit,
};

/** What a condition can compare. */
export const METRICS: readonly string[] = [...LATENCIES, ...Object.keys(FIGURES)];

/** In milliseconds. */
const UNITS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 };

/**
 * Reads a condition such as `p99>50ms` or `rate<1000`.
 * @throws {QmtpError} usage
 */
export function parseCondition(text: string): Condition {
  const [, metric = "", comparison = "", number = "", unit] =
    /^\s*([a-zA-Z0-9.]+)\s*([<>]=?)\s*(\d+(?:\.\d+)?)\s*(us|ms|s)?\s*$/.exec(text) ?? [];
  const compare = COMPARISONS[comparison];
  if (compare === undefined) throw usageError("write a figure, < or >, and a limit, such as 'p99>50ms'");
  if (!METRICS.includes(metric)) throw usageError(`'${metric}' is none of ${METRICS.join(", ")}`);
  if (unit !== undefined && !isLatency(metric)) throw usageError(`'${metric}' has no unit`);
  const limit = Number(number) * (UNITS[unit ?? "ms"] as number);
  return { text, metric, fails: (value) => compare(value, limit) };
}

/** The conditions that are true of a result. Latencies are those from due in an open loop. */
export function missesOf(conditions: readonly Condition[], result: BenchResult): Miss[] {
  const latencies = fromDueOrSent(result).summary;
  return conditions.flatMap((condition) => {
    const { metric, fails } = condition;
    const value = isLatency(metric) ? latencies?.[metric] : FIGURES[metric]?.(result);
    return value !== undefined && fails(value) ? [{ condition, value }] : [];
  });
}

export function isLatency(metric: string): metric is keyof LatencySummary {
  return (LATENCIES as readonly string[]).includes(metric);
}
