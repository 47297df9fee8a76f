import { expect, test } from "vitest";
import type { Level } from "../../src/check/case.ts";
import type { Verdict } from "../../src/check/outcome.ts";
import type { Result } from "../../src/check/result.ts";
import { summarise } from "../../src/check/summary.ts";
import { caseOf } from "./checking.ts";

const BYTES = { sent: Buffer.alloc(0), received: Buffer.alloc(0) };

function result(verdict: Verdict, level: Level = "must", advice = "mind this"): Result {
  return { case: { ...caseOf("2/order"), level, advice }, verdict, got: "", lacks: [], ms: 0, bytes: BYTES };
}

const many = (count: number, verdict: Verdict) => Array.from({ length: count }, () => result(verdict));

/** The ending, and then with `strict`. */
const endings = (results: readonly Result[], brokenOff = false) =>
  [false, true].map((strict) => summarise(results, strict, brokenOff).ending);

test("only what a server must do counts, unless it is strict", () => {
  expect(endings(many(3, "pass"))).toEqual(["kept", "kept"]);
  expect(endings([result("fail"), ...many(3, "pass")])).toEqual(["broken", "broken"]);
  expect(endings([result("fail", "should"), ...many(3, "pass")])).toEqual(["kept", "broken"]);
});

test("more than a quarter unclear, of what ran, is too much to say that all is well", () => {
  expect(endings([...many(1, "unclear"), ...many(3, "pass")])).toEqual(["kept", "kept"]);
  expect(endings([...many(2, "unclear"), ...many(5, "pass")])).toEqual(["undecided", "undecided"]);
  expect(endings([...many(1, "unclear"), ...many(2, "pass"), ...many(9, "skip")])).toEqual([
    "undecided",
    "undecided",
  ]);
});

test("a run that broke off says nothing, except for what it found", () => {
  expect(endings(many(9, "pass"), true)).toEqual(["undecided", "undecided"]);
  expect(endings([result("fail"), ...many(9, "pass")], true)).toEqual(["broken", "broken"]);
});

test("a test report has failures if and only if the exit code says so", () => {
  const results = [
    result("fail"),
    result("fail", "should"),
    result("unclear"),
    result("skip"),
    result("pass"),
  ];
  const statuses = (strict: boolean) => results.map(summarise(results, strict, false).testStatus);
  expect(statuses(false)).toEqual(["failure", "passed", "skipped", "skipped", "passed"]);
  expect(statuses(true)).toEqual(["failure", "failure", "skipped", "skipped", "passed"]);
  const undecided = many(2, "unclear");
  expect(undecided.map(summarise(undecided, false, false).testStatus)).toEqual(["error", "error"]);
});

test("advice comes once, also for requirements that do not count", () => {
  const results = [
    result("fail"),
    result("fail"),
    result("fail", "should", "and this"),
    result("unclear", "must", "not"),
  ];
  expect(summarise(results, false, false)).toMatchObject({
    advice: ["mind this", "and this"],
    counts: { pass: 0, fail: 3, skip: 0, unclear: 1 },
  });
});
