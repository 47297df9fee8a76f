import { describe, expect, test } from "vitest";
import type { Fault } from "../../src/errors.ts";
import {
  exitCode,
  outcome,
  problemExitCode,
  QMAIL_TABLE,
  QUEUE_TABLE,
  SENDMAIL_TABLE,
} from "../../src/report/exit-code.ts";

/** As in `K success`: the server's word, or for want of one our own. */
const RESULTS = {
  success: { status: "success", origin: "server" },
  failure: { status: "failure", origin: "server" },
  deferral: { status: "deferral", origin: "server" },
  unanswered: { status: "deferral", origin: "client" },
  spooled: { status: "deferral", origin: "client", spooled: true },
} as const;
type Result = keyof typeof RESULTS;

const TABLES = { qmail: QMAIL_TABLE, "qmail-queue": QUEUE_TABLE, sendmail: SENDMAIL_TABLE };
const lost = { code: "connection-closed", fault: "remote" } as const;

describe("the exit code of results, to callers of qmtp send, qmail-queue and sendmail", () => {
  test.each<[qmail: number, queue: number, sendmail: number, outcome: string, Result[]]>([
    [0, 0, 0, "success", ["success", "success"]],
    [100, 31, 65, "failed", ["failure"]],
    [100, 31, 65, "partial", ["success", "failure"]],
    [111, 71, 75, "partial", ["success", "deferral"]],
    [111, 71, 75, "failed", ["failure", "deferral"]],
    [111, 71, 75, "failed", ["deferral"]],
    [111, 71, 75, "failed", ["deferral", "unanswered"]],
    [111, 74, 75, "failed", ["unanswered"]],
    [111, 74, 75, "partial", ["success", "failure", "unanswered"]],
    [0, 0, 0, "partial", ["success", "spooled"]],
    [100, 31, 65, "failed", ["failure", "spooled"]],
    [111, 74, 75, "failed", ["spooled", "unanswered"]],
  ])("is %i, %i and %i, and the outcome %s, for %j", (qmail, queue, sendmail, word, names) => {
    const results = names.map((name) => RESULTS[name]);
    const problem = names.includes("unanswered") ? lost : null;
    const codes = Object.values(TABLES).map((table) => exitCode(results, table, problem));
    expect([...codes, outcome(results)]).toEqual([qmail, queue, sendmail, word]);
  });
});

describe("the exit code of what left recipients without a response, or came before there were any", () => {
  test.each<[code: string, fault: Fault, qmail: number, queue: number, sendmail: number]>([
    ["usage", "local", 100, 55, 64],
    ["bad-header", "local", 100, 74, 65],
    ["bad-envelope", "local", 111, 91, 75],
    ["envelope-too-large", "local", 111, 51, 75],
    ["unwritable-spool", "local", 111, 53, 75],
    ["unreadable-input", "local", 111, 54, 66],
    ["message-unreadable", "local", 111, 54, 66],
    ["unreadable-configuration", "local", 111, 55, 69],
    ["not-under-ucspi", "local", 111, 55, 69],
    ["connect-failed", "local", 111, 56, 69],
    ["connect-failed", "transport", 111, 73, 69],
    ["connect-timeout", "transport", 111, 72, 69],
    ["connection-refused", "remote", 111, 73, 69],
    ["tls-failed", "remote", 111, 73, 69],
    ["tls-untrusted", "remote", 111, 73, 69],
    ["connection-closed", "remote", 111, 74, 75],
    ["connection-failed", "transport", 111, 74, 75],
    ["no-progress", "remote", 111, 74, 75],
    ["session-too-long", "remote", 111, 74, 75],
    ["missing-responses", "remote", 111, 74, 75],
    ["protocol-violation", "remote", 111, 74, 75],
    ["interrupted", "local", 111, 74, 75],
    ["unexpected", "local", 111, 74, 75],
  ])("of %s (%s) is %i, %i and %i", (code, fault, ...wanted) => {
    const problem = { code, fault };
    expect(Object.values(TABLES).map((table) => problemExitCode(problem, table))).toEqual(wanted);
    const codes = Object.values(TABLES).map((table) => exitCode([RESULTS.unanswered], table, problem));
    expect(codes).toEqual(wanted);
  });

  test("has a row above for each problem that a table tells apart", () => {
    expect(Object.keys(QMAIL_TABLE.problems).length).toBe(2);
    expect(Object.keys(QUEUE_TABLE.problems).length).toBe(14);
    expect(Object.keys(SENDMAIL_TABLE.problems).length).toBe(11);
  });
});
