import { expect, test } from "vitest";
import { CASES } from "../../src/check/cases/all.ts";
import { caseTable } from "./case-table.ts";
import { pageOf, section } from "./documents.ts";

test("qmtp-check(1) has the table of cases, made from them", () => {
  const [, table = ""] = section("Sh", "CASES", pageOf("check")).split(/(?=^\.Ss Section)/m, 2);
  const rest = section("Sh", "CASES", pageOf("check")).slice(
    section("Sh", "CASES", pageOf("check")).indexOf(table),
  );
  expect(rest).toBe(caseTable(CASES));
});
