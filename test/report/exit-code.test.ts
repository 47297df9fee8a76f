import { describe, expect, test } from "vitest";
import type { Code, Fault } from "../../src/errors.ts";
import { errorExitCode, exitCode, outcome } from "../../src/report/exit-code.ts";
import {
  EXIT,
  QUEUE_REFUSAL,
  QUEUE_TABLE,
  SEND_TABLE,
  SENDMAIL_TABLE,
} from "../../src/report/exit-tables.ts";

/** Every row of each table, by hand: changing, adding or removing one fails here. */
const EXPECTED = {
  qmail: {
    success: 0,
    failure: 100,
    deferral: 111,
    otherwise: 111,
    errors: { usage: 100, "bad-header": 100, "no-exchanger": 100 },
  },
  "qmail-queue": {
    success: 0,
    failure: 31,
    deferral: 71,
    otherwise: 74,
    errors: {
      "address-too-long": 11,
      "envelope-too-large": 51,
      "unwritable-spool": 53,
      "unreadable-input": 54,
      "input-timeout": 54,
      "message-unreadable": 54,
      usage: 55,
      "unwritable-trace": 55,
      "unreadable-configuration": 55,
      "not-under-ucspi": 55,
      "no-exchanger": 55,
      "connect-failed (local)": 56,
      "connect-timeout": 72,
      "connect-failed": 73,
      "connection-refused": 73,
      "tls-failed": 73,
      "tls-untrusted": 73,
      "dns-failed": 73,
      "bad-envelope": 91,
    },
  },
  sendmail: {
    success: 0,
    failure: 65,
    deferral: 75,
    otherwise: 75,
    errors: {
      usage: 64,
      "bad-header": 65,
      "unreadable-input": 66,
      "message-unreadable": 66,
      "unreadable-configuration": 69,
      "not-under-ucspi": 69,
      "connect-failed": 69,
      "connect-timeout": 69,
      "connection-refused": 69,
      "tls-failed": 69,
      "tls-untrusted": 69,
      "no-exchanger": 69,
      "dns-failed": 69,
    },
  },
};

/** As in `K success`: the server's response, or our own without one. */
const RESULTS = {
  success: { status: "success", origin: "server" },
  failure: { status: "failure", origin: "server" },
  deferral: { status: "deferral", origin: "server" },
  unanswered: { status: "deferral", origin: "client" },
  spooled: { status: "deferral", origin: "client", spooled: true },
} as const;
type Result = keyof typeof RESULTS;

const TABLES = { qmail: SEND_TABLE, "qmail-queue": QUEUE_TABLE, sendmail: SENDMAIL_TABLE };
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

describe("the exit code of errors that left recipients without a response, or came before there were any", () => {
  test.each<[code: Code, fault: Fault, qmail: number, queue: number, sendmail: number]>([
    ["usage", "local", 100, 55, 64],
    ["bad-header", "local", 100, 74, 65],
    ["bad-envelope", "local", 111, 91, 75],
    ["address-too-long", "local", 111, 11, 75],
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
    expect(Object.values(TABLES).map((table) => errorExitCode(problem, table))).toEqual(wanted);
    const codes = Object.values(TABLES).map((table) => exitCode([RESULTS.unanswered], table, problem));
    expect(codes).toEqual(wanted);
  });
});

test.each(Object.entries(TABLES))("the table of %s has these rows and no others", (name, table) => {
  const { meanings: _, ...rows } = table;
  expect(rows).toEqual(EXPECTED[name as keyof typeof EXPECTED]);
});

test.each(Object.entries(TABLES))(
  "the table of %s says what each of its codes means, once",
  (name, table) => {
    const { errors, meanings, ...codes } = table;
    const own = name === "qmail-queue" ? [QUEUE_REFUSAL] : [];
    const all = new Set([...Object.values(codes), ...Object.values(errors), ...own]);
    expect(meanings.map(([code]) => code)).toEqual([...all].toSorted((one, other) => one - other));
  },
);

test("to callers of qmail-queue, 82 says that the reason is on descriptor 6", () => {
  expect([EXIT, QUEUE_REFUSAL]).toEqual([{ success: 0, permanent: 100, temporary: 111 }, 82]);
});
