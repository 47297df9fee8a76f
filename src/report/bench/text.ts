import { isLatency, type Miss } from "../../bench/condition.ts";
import { bytesPerSecond, fromDueOrSent, rateOf } from "../../bench/figures.ts";
import type { LatencySummary } from "../../bench/latencies.ts";
import type { BenchResult } from "../../bench/result.ts";
import { LATE_MS } from "../../bench/schedule.ts";
import { counted } from "../counted.ts";
import { size } from "../progress.ts";
import { describe } from "../remedies.ts";
import { sanitiseCapped } from "../sanitise.ts";
import { violationLine } from "../text.ts";
import { drawHistogram, sparkline, widthOn } from "./drawing.ts";
import { TOP_TEXTS } from "./json.ts";

/** Above this share of its time, the client is the limit. */
const TOO_BUSY = 0.9;
/** A run of few milliseconds always is. */
const TOO_SHORT_MS = 100;
/** Errors of which the violation says the same. */
const IN_VIOLATIONS: readonly string[] = ["protocol-violation", "missing-responses"];
const LABEL = 14;
const COLUMN = 11;

/**
 * The results as a table.
 * @param columns of the terminal on which to draw the histogram and the rate over time; undefined to leave them out
 */
export function* benchLines(result: BenchResult, columns: number | undefined): Generator<string, void> {
  const { tally } = result;
  yield headline(result);
  yield "";
  yield* counts(result);
  yield "";
  yield* latencies(result);
  yield "";
  const { texts, others } = tally.texts.top(TOP_TEXTS);
  yield "responses";
  for (const { status, text, count } of texts) {
    yield `${String(count).padStart(LABEL - 2)}  ${status}: ${sanitiseCapped(text)}`;
  }
  if (others > 0) yield `${String(others).padStart(LABEL - 2)}  with other texts`;
  if (columns === undefined) return;
  const width = widthOn(columns);
  yield "";
  yield result.plan.rate === undefined ? "latency, up to" : "latency from due, up to";
  yield* drawHistogram(fromDueOrSent(result).buckets, width);
  yield "";
  yield row("messages/s", sparkline(tally.timeline.perSecond, width));
}

function headline({ plan, server }: BenchResult): string {
  const { rate, sessions, window, message, recipientsEach } = plan;
  const loop = rate === undefined ? "closed loop" : `open loop at ${rate}/s`;
  const parts = [
    loop,
    counted(sessions, "session"),
    `window ${window}`,
    counted(message.length, "byte"),
    counted(recipientsEach, "recipient"),
  ];
  return sanitiseCapped(Buffer.from(`${server.endpoint}: ${parts.join(", ")}`));
}

function* counts(result: BenchResult): Generator<string, void> {
  const { plan, tally, elapsedMs, clientBusy, connections, unsent } = result;
  const { success, deferral, failure } = tally.counts;
  const rates = `${rateOf(result).toFixed(1)}/s, ${size(bytesPerSecond(result))}/s`;
  yield row("messages", `${tally.answered} answered in ${(elapsedMs / 1_000).toFixed(2)} s, ${rates}`);
  const none = tally.unanswered === 0 ? "" : `; ${tally.unanswered} of the deferrals without a response`;
  yield row("recipients", `${success} success, ${deferral} deferral, ${failure} failure${none}`);
  if (plan.rate !== undefined) {
    yield row("schedule", `${tally.late} sent more than ${LATE_MS} ms late, ${unsent} not sent at all`);
  }
  const { failedConnections, brokenConnections } = tally;
  yield row("connections", `${connections} made, ${failedConnections} failed, ${brokenConnections} broken`);
  yield row("client busy", `${Math.round(clientBusy * 100)} % of the time`);
}

function* latencies({ plan, tally }: BenchResult): Generator<string, void> {
  const { fromSent, fromDue, connect } = tally;
  const open = plan.rate !== undefined;
  const rows: [string, LatencySummary | null][] = [
    ...(open ? ([["from due", fromDue.summary]] as [string, LatencySummary | null][]) : []),
    [open ? "from sent" : "latency", fromSent.summary],
    ["connect", connect.summary],
  ];
  const names = Object.keys(fromSent.summary ?? {});
  yield row(
    "milliseconds",
    names
      .map((name) => name.padStart(COLUMN))
      .join("")
      .slice(2),
  );
  for (const [label, summary] of rows) {
    if (summary === null) continue;
    const cells = Object.values(summary).map((ms: number) => ms.toFixed(3).padStart(COLUMN));
    yield row(label, cells.join("").slice(2));
  }
}

/** What is wrong, a line each. */
export function* benchWarnings(result: BenchResult, misses: readonly Miss[]): Generator<string, void> {
  const { plan, tally, elapsedMs, clientBusy, lostSessions, error } = result;
  for (const { error, count } of tally.errors) {
    if (tally.violations.length > 0 && IN_VIOLATIONS.includes(error.code) && error.hint === undefined)
      continue;
    yield `${describe(error)} (${counted(count, "connection")})`;
  }
  for (const violation of tally.violations) {
    yield `${violationLine(violation)} (${counted(violation.count, "connection")})`;
  }
  if (clientBusy > TOO_BUSY && elapsedMs > TOO_SHORT_MS) {
    const share = Math.round(clientBusy * 100);
    yield `the client was busy ${share} % of the time: this measures its limit, not the server's`;
  }
  for (const { condition, value } of misses) {
    const { metric, text } = condition;
    const shown = isLatency(metric) ? `${value.toFixed(3)} ms` : String(Math.round(value * 1_000) / 1_000);
    yield `${text}: ${metric} is ${shown}`;
  }
  if (error?.code === "interrupted") yield `the run ended early: ${describe(error)}`;
  else if (lostSessions > 0 && tally.answered > 0) {
    yield `${lostSessions} of ${counted(plan.sessions, "session")} got no more responses, and were given up`;
  }
}

function row(label: string, text: string): string {
  return `${label.padEnd(LABEL)}${text}`;
}
