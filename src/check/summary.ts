import type { Verdict } from "./outcome.ts";
import type { Result } from "./result.ts";

/** More than this share of unclear verdicts, and the run says too little. */
const MAX_UNCLEAR = 0.25;

/** What a run comes to; the numbers of `ending` are exit codes. */
export interface Summary {
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Failures that count: of requirements that the server must keep, or if strict, should keep. */
  readonly findings: readonly Result[];
  readonly ending: "kept" | "broken" | "undecided";
  /** For each failure once, what it means for clients. */
  readonly advice: readonly string[];
  /** What a result is for a test report. */
  readonly testStatus: (result: Result) => "passed" | "failure" | "error" | "skipped";
}

/**
 * The one place that decides what results come to.
 * @param strict whether requirements that the server should keep count as those that it must keep
 * @param brokenOff whether the run did not reach its end
 */
export function summarise(results: readonly Result[], strict: boolean, brokenOff: boolean): Summary {
  const counts = { pass: 0, fail: 0, skip: 0, unclear: 0 };
  for (const { verdict } of results) counts[verdict]++;
  const counting = strict ? ["must", "should"] : ["must"];
  const failed = results.filter(({ verdict }) => verdict === "fail");
  const findings = failed.filter((result) => counting.includes(result.case.level));
  const ran = results.length - counts.skip;
  const undecided = brokenOff || counts.unclear > ran * MAX_UNCLEAR;
  const ending = findings.length > 0 ? "broken" : undecided ? "undecided" : "kept";
  return {
    counts,
    findings,
    ending,
    advice: [...new Set(failed.flatMap((result) => result.case.advice ?? []))],
    testStatus: (result) => {
      if (findings.includes(result)) return "failure";
      if (result.verdict === "unclear") return ending === "undecided" ? "error" : "skipped";
      return result.verdict === "skip" ? "skipped" : "passed";
    },
  };
}
