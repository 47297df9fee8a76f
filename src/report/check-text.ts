import { type Case, messagesOf } from "../check/case.ts";
import type { Verdict } from "../check/outcome.ts";
import type { Result } from "../check/result.ts";
import { type CheckReport, NEED_IN_WORDS, SECTIONS } from "./check.ts";
import { sanitise } from "./sanitise.ts";

/** How verdicts look. */
export interface CheckPaint {
  readonly mark: (verdict: Verdict) => string;
  readonly title: (text: string) => string;
  readonly dim: (text: string) => string;
}

/** What quotes a response already. */
const IS_QUOTED = /\b(success|deferral|failure): /;
/** Bytes quoted in a line, at most. */
const QUOTED = 120;
/** What counts as short, in characters. */
const SHORT = 20;
/** The longest line of evidence, in characters. */
const MAX_LINE = 240;
const MARKS: Readonly<Record<Verdict, string>> = { pass: "✓", fail: "✗", skip: "-", unclear: "?" };
const WIDTH = Math.max(...Object.keys(MARKS).map((verdict) => verdict.length));

/** Words in a pipe; marks with colours on a terminal, for which chalk is loaded. */
export async function checkPaint(coloured: boolean): Promise<CheckPaint> {
  if (!coloured) {
    const plain = (text: string) => text;
    return { mark: (verdict) => verdict.padEnd(WIDTH), title: plain, dim: plain };
  }
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  const colours = { pass: chalk.green, fail: chalk.red, skip: chalk.dim, unclear: chalk.yellow };
  return { mark: (verdict) => colours[verdict](MARKS[verdict]), title: chalk.bold, dim: chalk.dim };
}

/** The heading of a section. */
export function sectionLine(section: number, { title }: CheckPaint): string {
  return title(`${section}. ${SECTIONS[section] ?? ""}`);
}

/** A case in a line; under a failure, or if it is unclear, what was found. */
export function* resultLines(result: Result, paint: CheckPaint): Generator<string, void> {
  const { case: one, verdict, got, ms, lacks } = result;
  const time = ms >= 1 ? ` ${paint.dim(`(${duration(ms)})`)}` : "";
  const level = one.level === "must" || verdict !== "fail" ? "" : ` (${one.level})`;
  const found = one.level === "info" && verdict === "pass" ? ` ${sanitise(got)}` : "";
  const needs = verdict === "skip" ? ` ${paint.dim(`needs ${inWords(lacks)}`)}` : "";
  const why = verdict === "unclear" && isShort(got) ? ` ${paint.dim(sanitise(got))}` : "";
  yield `  ${paint.mark(verdict)} ${one.id}: ${one.requirement}${level}${found}${needs}${why}${time}`;
  if (verdict === "unclear" && !isShort(got)) yield evidence("got", got);
  if (verdict !== "fail") return;
  yield evidence("sent", one.sent);
  yield evidence("expected", one.expected);
  yield evidence("got", `${got}${quoted(result)}`);
  if (one.advice !== undefined) yield evidence("so", one.advice);
}

/** The totals, and what failures mean for clients. */
export function* closingLines({ results, summary, messages, server }: CheckReport): Generator<string, void> {
  const { counts, advice } = summary;
  const musts = results.filter((one) => one.verdict === "fail" && one.case.level === "must").length;
  const failed =
    counts.fail === 0 ? "0 fail" : `${counts.fail} fail (${musts} must, ${counts.fail - musts} should)`;
  yield "";
  if (server?.exchanger !== undefined)
    yield `Server: ${server.exchanger}, ${server.address} port ${server.port}`;
  yield `${results.length} cases: ${counts.pass} pass, ${failed}, ${counts.unclear} unclear, ${counts.skip} skip`;
  if (messages.announced > 0) yield `${messages.sent} of at most ${messages.announced} messages sent`;
  const lacking = [...new Set(results.flatMap(({ lacks }) => lacks))];
  if (lacking.length > 0) yield `Skipped cases need ${inWords(lacking)}.`;
  if (summary.ending === "undecided") {
    yield `Too much is unclear to say whether the server keeps the protocol: ${sanitise(mostFrequent(results))}.`;
  }
  if (advice.length === 0) return;
  yield "";
  yield "What clients should know:";
  for (const one of advice) yield `  ${one[0]?.toUpperCase()}${one.slice(1)}.`;
}

/** Whether it has room behind the requirement, as "interrupted" has. */
function isShort(got: string): boolean {
  return got.length <= SHORT;
}

/** Why most of the unclear cases are. */
function mostFrequent(results: readonly Result[]): string {
  const counts = new Map<string, number>();
  for (const { verdict, got } of results) {
    if (verdict === "unclear") counts.set(got, (counts.get(got) ?? 0) + 1);
  }
  const [[got = ""] = []] = [...counts].toSorted(([, left], [, right]) => right - left);
  return got;
}

/** The cases, one per line, in columns. */
export function* listLines(cases: readonly Case[]): Generator<string, void> {
  const rows = cases.map((one) => [
    one.id,
    one.level,
    needsOf(one),
    String(messagesOf(one)),
    one.requirement,
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) yield row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
}

export function needsOf({ needs }: Case): string {
  return needs.map((need) => NEED_IN_WORDS[need]).join(" ") || "-";
}

function inWords(needs: Result["lacks"]): string {
  return needs
    .map((need) => NEED_IN_WORDS[need])
    .join(", ")
    .replace(/, (?=[^,]*$)/, " and ");
}

function evidence(name: string, text: string): string {
  const shown = sanitise(text);
  const capped = shown.length > MAX_LINE ? `${shown.slice(0, MAX_LINE)}...` : shown;
  return `      ${`${name}:`.padEnd(10)}${capped}`;
}

/** The first bytes that were received. */
function quoted({ got, bytes: { received } }: Result): string {
  if (received.length === 0 || IS_QUOTED.test(got)) return "";
  const shown = sanitise(received.subarray(0, QUOTED));
  return `; received ${shown}${received.length > QUOTED ? "..." : ""}`;
}

function duration(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
