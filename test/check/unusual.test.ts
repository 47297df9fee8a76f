import { describe, expect, test } from "vitest";
import { CASES } from "../../src/check/cases/all.ts";
import { summarise } from "../../src/check/summary.ts";
import { check, idsOf } from "./checking.ts";
import { startUnusual, type Unusual } from "./unusual-server.ts";

/** Of the many cases about netstrings, which are alike, two. */
const NETSTRINGS = ["6/missing-comma-message", "6/serves-others"];
const MUSTS = CASES.filter(
  ({ id, level }) => level === "must" && (!id.startsWith("6/") || NETSTRINGS.includes(id)),
);
const limited = (what: string) => (recipient: string, number: number) => {
  if (recipient.startsWith("refused@")) return "Dno such user (#5.1.1)";
  return number > 20 ? what : "Kok 1795333715 qp 7259";
};

describe("a server that keeps the protocol is not said to break it", () => {
  test.concurrent.each<[string, Unusual]>([
    ["that defers all but a number of messages", { answer: limited("Zslow down (#4.7.0)") }],
    ["that refuses all but a number of messages", { answer: limited("Dno more (#5.7.0)") }],
    ["that refuses all messages", { answer: () => "Dno (#5.7.1)" }],
    ["that defers all messages", { answer: () => "Zlater (#4.3.0)" }],
    ["that closes after each package", { packagesPerConnection: 1 }],
    ["that closes after some packages", { packagesPerConnection: 3 }],
    ["that closes silent connections", { idleMs: 300 }],
    ["that turns away clients beyond three", { maxClients: 3 }],
    ["that serves one client at a time", { maxServed: 1 }],
    [
      "that serves one client at a time, and waits for more after a broken package",
      { maxServed: 1, whenBroken: "wait" },
    ],
    ["that takes its time for each package", { delayMs: 30 }],
    ["that sends its responses byte by byte", { byteMs: 1 }],
  ])(
    "%s",
    async (_what, unusual) => {
      const end = await check(await startUnusual(unusual), MUSTS, { waitMs: 500, timeoutMs: 1_000 });
      const failed = end.results.filter(({ verdict }) => verdict === "fail");
      expect(failed.map(({ case: { id }, got }) => `${id}: ${got}`)).toEqual([]);
      expect(idsOf(end, "pass")).toContain("6/missing-comma-message");
    },
    120_000,
  );
});

test("what closes every connection does not pass for a server", async () => {
  const nothing = { to: undefined, refused: undefined, waitMs: 100 };
  const end = await check(await startUnusual({ maxClients: 0 }), CASES, nothing);
  expect(idsOf(end, "fail")).toEqual([]);
  expect(summarise(end.results, false, false).ending).toBe("undecided");
});
