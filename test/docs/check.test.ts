import { expect, test } from "vitest";
import { CASES } from "../../src/check/cases/all.ts";
import { caseTable } from "./case-table.ts";
import { pageOf, section } from "./documents.ts";

test("qmtp-check(1) has the table of cases, made from them", () => {
  const cases = section("Sh", "CASES", pageOf("check"));
  expect(cases.slice(cases.indexOf(".Ss Section"))).toBe(caseTable(CASES));
});

test("ids are unique, and begin with a section of qmtp.txt", () => {
  const ids = CASES.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.filter((id) => !/^[24567]\/[a-z0-9-]+$/.test(id))).toEqual([]);
});
