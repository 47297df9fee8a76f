import { describe, expect, test } from "vitest";
import { EXIT } from "../../src/report/exit-code.ts";
import { qmtp } from "../processes.ts";
import { items, readme, section } from "./documents.ts";

describe("the exit codes", () => {
  const meanings: [number, RegExp][] = [
    [EXIT.success, /success for every recipient/i],
    [EXIT.permanent, /permanent.*wrong usage|wrong usage.*permanent/is],
    [EXIT.temporary, /try(ing)? again later/i],
  ];

  function agree(rows: readonly (readonly [string, string])[]): void {
    expect(rows.map(([code]) => Number(code))).toEqual(Object.values(EXIT));
    for (const [at, [code, meaning]] of meanings.entries()) {
      expect(Number(rows[at]?.[0])).toBe(code);
      expect(rows[at]?.[1]).toMatch(meaning);
    }
  }

  test("are the program's in the README", () => {
    const rows = [...readme.matchAll(/^\| (\d+) \| (.*) \|$/gm)];
    agree(rows.map((match) => [match[1] as string, match[2] as string]));
  });

  test("are the program's in the man page", () => {
    agree(items(section("Sh", "EXIT STATUS")).map(({ head, body }) => [head, body]));
  });

  test("are the program's in --help", async () => {
    const help = (await qmtp(["send", "--help"])).stdout.split("Exit codes:")[1] ?? "";
    const rows = [...help.matchAll(/^ {2}(\d+) +(.*)$/gm)];
    agree(rows.map((match) => [match[1] as string, match[2] as string]));
  });
});
