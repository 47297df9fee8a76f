import type { Miss } from "../../bench/condition.ts";
import { bytesPerSecond, fromDueOrSent, rateOf } from "../../bench/figures.ts";
import type { LatencySummary } from "../../bench/latencies.ts";
import type { BenchResult } from "../../bench/result.ts";
import { errorFields, field, toJson } from "../json.ts";

/** The most frequent texts to name. */
export const TOP_TEXTS = 10;

/** The results as one line of JSON. */
export function benchJson(result: BenchResult, misses: readonly Miss[], exitCode: number): string {
  const { plan, server, tally, elapsedMs, clientBusy, connections, unsent, error } = result;
  const { texts, others } = tally.texts.top(TOP_TEXTS);
  const open = plan.rate !== undefined;
  return toJson({
    schema: 1,
    type: "bench",
    exitCode,
    loop: open ? "open" : "closed",
    server,
    messages: tally.answered + tally.lost,
    bytes: plan.message.length,
    recipients: plan.recipientsEach,
    sessions: plan.sessions,
    window: plan.window,
    scheduledRate: plan.rate ?? null,
    elapsedMs: tenths(elapsedMs),
    rate: tenths(rateOf(result)),
    bytesPerSecond: Math.round(bytesPerSecond(result)),
    counts: tally.counts,
    unanswered: tally.unanswered,
    texts: texts.map(({ status, text, count }) => ({ status, ...field("text", text), count })),
    otherTexts: others,
    latencyMs: rounded(tally.fromSent.summary),
    latencyFromDueMs: open ? rounded(tally.fromDue.summary) : null,
    connectMs: rounded(tally.connect.summary),
    histogram: fromDueOrSent(result).buckets,
    rates: { everyMs: tally.timeline.widthMs, perSecond: tally.timeline.perSecond.map(tenths) },
    clientBusy: Math.round(clientBusy * 1_000) / 1_000,
    late: open ? tally.late : null,
    unsent: open ? unsent : null,
    connections,
    failedConnections: tally.failedConnections,
    brokenConnections: tally.brokenConnections,
    lostSessions: result.lostSessions,
    connectionErrors: tally.errors.map(({ error, count }) => ({ ...errorFields(error), count })),
    violations: tally.violations,
    missed: misses.map(({ condition, value }) => ({ condition: condition.text, value })),
    error: errorFields(error),
  });
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** To microseconds. */
function rounded(summary: LatencySummary | null): LatencySummary | null {
  if (summary === null) return null;
  const entries = Object.entries(summary).map(([name, ms]) => [name, Math.round(ms * 1_000) / 1_000]);
  return Object.fromEntries(entries);
}
