import { type Case, messagesOf, sectionOf } from "../check/case.ts";
import type { Result } from "../check/result.ts";
import type { CheckReport } from "./check.ts";
import { errorFields, toJson } from "./json.ts";
import { sanitiseCapped } from "./sanitise.ts";

/** The run as one line of JSON. */
export function checkJson({ server, results, summary, exitCode, messages, error }: CheckReport): string {
  return toJson({
    schema: 1,
    type: "check",
    server,
    exitCode,
    counts: summary.counts,
    messages,
    cases: results.map(caseFields),
    advice: summary.advice,
    error: errorFields(error),
  });
}

function caseFields({ case: one, verdict, got, lacks, ms, bytes }: Result) {
  const ran = verdict !== "skip";
  return {
    id: one.id,
    section: sectionOf(one),
    level: one.level,
    requirement: one.requirement,
    verdict,
    lacks,
    ms: Math.round(ms * 10) / 10,
    sent: one.sent,
    expected: one.expected,
    got: ran ? got : null,
    advice: verdict === "fail" ? (one.advice ?? null) : null,
    bytes: { sent: sanitiseCapped(bytes.sent), received: sanitiseCapped(bytes.received) },
  };
}

/** The cases as one line of JSON. */
export function listJson(cases: readonly Case[]): string {
  return toJson({
    schema: 1,
    type: "check-list",
    cases: cases.map((one) => ({
      id: one.id,
      section: sectionOf(one),
      level: one.level,
      requirement: one.requirement,
      needs: one.needs,
      messages: messagesOf(one),
    })),
  });
}
