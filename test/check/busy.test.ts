import { expect, onTestFinished, test } from "vitest";
import { CASES } from "../../src/check/cases/all.ts";
import { start, stopAll } from "../support/processes.ts";
import { check, withSink } from "./checking.ts";

const RUNS = 3;
const FOREVER = "for (;;);";

test("while two processes burn the cores, the sink passes every case", async () => {
  onTestFinished(stopAll);
  for (let burning = 0; burning < 2; burning++) start(process.execPath, ["-e", FOREVER], { stdio: "ignore" });
  for (let run = 0; run < RUNS; run++) {
    await withSink([], async ({ endpoint, maildir }) => {
      const end = await check(endpoint, CASES, { inbox: maildir });
      const others = end.results.filter(({ verdict }) => verdict === "fail" || verdict === "unclear");
      expect(others.map(({ case: { id }, got }) => `${id}: ${got}`)).toEqual([]);
    });
  }
}, 120_000);
