import { describe, expect, test } from "vitest";
import { CODES, type Code } from "../../src/errors.ts";
import { errorExitCode } from "../../src/report/exit-code.ts";
import { QUEUE_TABLE, SEND_TABLE, SENDMAIL_TABLE } from "../../src/report/exit-tables.ts";
import {
  codesInSource,
  commandLines,
  commands,
  flagsIn,
  flagsOfAll,
  items,
  literals,
  overview,
  program,
  section,
  unknownIn,
} from "./documents.ts";

/** What these mean depends on the command: its page describes them. */
const ENVELOPE = ["--to", "--from", "--file"];

describe("qmtp(1)", () => {
  test("names no option that does not exist", () => {
    const known = flagsOfAll([...commands, program]);
    const named = [...new Set(flagsIn(overview.text))];
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("has examples with commands and options that exist", () => {
    const lines = commandLines(literals(overview));
    expect(lines.length).toBeGreaterThan(4);
    expect(unknownIn(lines)).toEqual([]);
  });

  test("describes every shared option", () => {
    const counts = new Map<string, number>();
    for (const flag of commands.flatMap((command) => [...flagsOfAll([command])].filter(isLong)))
      counts.set(flag, (counts.get(flag) ?? 0) + 1);
    const described = flagsIn(section("Sh", "COMMON OPTIONS"));
    const shared = [...counts]
      .filter(([flag, count]) => count > 2 && !ENVELOPE.includes(flag))
      .map(([flag]) => flag);
    expect(shared.length).toBeGreaterThan(10);
    expect(shared.filter((flag) => !described.includes(flag))).toEqual([]);
  });

  test("has a row for every error code, with its exit codes", () => {
    const rows = items(section("Ss", "Error codes")).filter(({ head }) => head.includes(" Ta 1"));
    const documented = rows.map(({ head }) => head.replace(/^Li /, "").split(" Ta "));
    const { errors } = codesInSource();
    expect(errors.length).toBeGreaterThan(12);
    expect(documented.map(([code]) => code).toSorted()).toEqual(errors.toSorted());
    for (const [code = "", ...exits] of documented) {
      const error = { code: code as Code, fault: "remote" } as const;
      const tables = [SEND_TABLE, QUEUE_TABLE, SENDMAIL_TABLE];
      expect([code, ...exits]).toEqual([code, ...tables.map((table) => String(errorExitCode(error, table)))]);
    }
  });

  test("explains every error code and violation code, and no other", () => {
    const withRemedy = (title: string) =>
      items(section("Ss", title))
        .map(({ head }) => head)
        .filter((head) => /^Li [a-z-]+$/.test(head))
        .map((head) => head.replace(/^Li /, ""));
    const { errors, violations } = codesInSource();
    expect(violations.length).toBeGreaterThan(6);
    expect(withRemedy("Error codes").toSorted()).toEqual(errors.toSorted());
    const bodies = items(section("Ss", "Error codes")).map(({ head, body }) => [
      head.replace(/^Li /, ""),
      body,
    ]);
    for (const code of errors as Code[]) {
      const [fault, meaning] = CODES[code];
      const [, body = ""] = bodies.find(([head]) => head === code) ?? [];
      expect(body.toLowerCase()).toMatch(new RegExp(`^${meaning.toLowerCase()}\n\\.pq li ${fault} \\.\n`));
    }
    expect(withRemedy("Violations").toSorted()).toEqual(violations.toSorted());
  });
});

function isLong(flag: string): boolean {
  return flag.startsWith("--");
}
