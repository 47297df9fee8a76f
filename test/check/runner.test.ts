import { describe, expect, test } from "vitest";
import type { Case } from "../../src/check/case.ts";
import { CASES } from "../../src/check/cases/all.ts";
import type { Misbehaviour } from "../../src/sink/misbehaviour.ts";
import { readServerTls } from "../../src/sink/tls-server.ts";
import { readTlsSettings } from "../../src/transport/tls-settings.ts";
import { makeCertificates } from "../support/certificates.ts";
import { caseOf, check, idsOf, withSink } from "./checking.ts";
import { ROWS } from "./misbehaviours.ts";

const certificates = makeCertificates();

test("the sink passes every case", async () => {
  await withSink([], async ({ endpoint, maildir }) => {
    const end = await check(endpoint, CASES, { inbox: maildir, large: true });
    expect(end.results.filter(({ verdict }) => verdict !== "pass").map(({ case: { id } }) => id)).toEqual([
      ...CASES.filter(({ needs }) => needs.includes("tls")).map(({ id }) => id),
      "7/idle-time",
    ]);
    expect(end.messages.sent).toBeLessThanOrEqual(end.messages.announced);
  });
}, 60_000);

test("the sink passes every case with TLS", async () => {
  const { cert, key } = certificates.good;
  await withSink(
    [],
    async ({ endpoint, maildir }) => {
      const tls = readTlsSettings({ cacert: certificates.ca });
      const end = await check(endpoint, CASES, { inbox: maildir, tls });
      expect(idsOf(end, "fail")).toEqual([]);
      expect(idsOf(end, "unclear")).toEqual([]);
      expect(idsOf(end, "skip")).toEqual(["4/large-message", "7/idle-time"]);
    },
    { tls: readServerTls(cert, key, undefined) },
  );
}, 60_000);

/** The same order in every run, unlike any that is natural. */
function shuffled(cases: readonly Case[], seed: number): Case[] {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state / 2 ** 32;
  };
  return cases
    .map((one) => ({ one, at: next() }))
    .toSorted((left, right) => left.at - right.at)
    .map(({ one }) => one);
}

describe("verdicts are independent", () => {
  const FAULTS: readonly Misbehaviour[] = ["strip-nul", "accept-leading-zero", "swap-responses"];
  const SHORT = CASES.filter(({ id }) => id !== "2/after-silence");

  test.each([1, 2, 3])("of the order of the cases, number %i", async (seed) => {
    await withSink(FAULTS, async ({ endpoint, maildir }) => {
      const end = await check(endpoint, shuffled(SHORT, seed), { inbox: maildir });
      const expected = FAULTS.flatMap((fault) => ROWS[fault]?.found ?? []);
      expect(idsOf(end, "fail").toSorted()).toEqual(expected.toSorted());
    });
  });

  test.each<[string, Misbehaviour]>([
    ["2/order", "swap-responses"],
    ["2/one-response-each", "one-response"],
    ["2/two-in-one-write", "drop-second-package"],
    ["2/cut-serves-others", "die-on-cut"],
    ["4/encoding-dos", "refuse-dos"],
    ["5/length", "off-by-one"],
    ["5/no-recipient", "repeat-recipient"],
    ["5/stored-nul", "strip-nul"],
    ["6/length-32-bits", "wrap-32"],
    ["6/serves-others", "die-on-violation"],
  ])("%s by itself finds %s, as in a whole run", async (id, fault) => {
    await withSink([fault], async ({ endpoint, maildir }) => {
      const end = await check(endpoint, [caseOf(id)], { inbox: maildir, timeoutMs: 1_000 });
      expect(idsOf(end, "fail")).toEqual([id]);
    });
  });
});

describe("a run that breaks off", () => {
  test("keeps what is known; what was under way is unclear, and no failure", async () => {
    await withSink([], async ({ endpoint }) => {
      const ending = new AbortController();
      const verdicts: string[] = [];
      const end = await check(endpoint, CASES, {
        signal: ending.signal,
        onResult: ({ verdict }) => {
          verdicts.push(verdict);
          if (verdicts.filter((one) => one === "pass").length === 20) ending.abort(new Error("SIGINT"));
        },
      });
      expect(idsOf(end, "fail")).toEqual([]);
      expect(idsOf(end, "pass").length).toBeGreaterThanOrEqual(20);
      expect(end.byId.get("2/after-silence")).toMatchObject({ verdict: "unclear", got: "interrupted" });
      expect(end.results.length).toBe(CASES.length);
    });
  });

  test("because the server is gone: what is left is unclear, at once", async () => {
    const end = await withSink([], async ({ endpoint, stop }) => {
      let stopping: Promise<void> | undefined;
      const ended = await check(endpoint, CASES, {
        onResult: ({ case: { id } }) => {
          if (id === "4/null-sender") stopping ??= stop();
        },
      });
      await stopping;
      return ended;
    });
    expect(idsOf(end, "fail")).toEqual([]);
    expect(idsOf(end, "unclear").length).toBeGreaterThan(10);
  });
});

test("without the inbox's messages, cases about it are unclear, and only one says that mail is lost", async () => {
  await withSink(["store-nothing"], async ({ endpoint, maildir }) => {
    const cases = CASES.filter(({ needs }) => needs.includes("inbox"));
    const end = await check(endpoint, cases, { inbox: maildir, timeoutMs: 300 });
    expect(idsOf(end, "fail")).toEqual(["5/stored-plain"]);
    expect(idsOf(end, "unclear").length).toBe(cases.length - 1);
  });
});

test("a case that is late beside others is tried once more by itself, and then believed", async () => {
  const runs = new Map<string, number>();
  const lateAtFirst = (id: string): Case => ({
    ...caseOf("2/answers"),
    id,
    messages: 0,
    run: async () => {
      const before = runs.get(id) ?? 0;
      runs.set(id, before + 1);
      return before === 0
        ? { verdict: "fail", got: "nothing", late: true }
        : { verdict: "pass", got: "1 response" };
    },
  });
  await withSink([], async ({ endpoint }) => {
    const end = await check(endpoint, [lateAtFirst("2/a"), lateAtFirst("2/b")]);
    expect(end.results.map(({ verdict }) => verdict)).toEqual(["pass", "pass"]);
    expect([...runs.values()]).toEqual([2, 2]);
  });
});

test("more messages than a case announces are never sent", async () => {
  const greedy: Case = {
    ...caseOf("2/answers"),
    id: "2/greedy",
    messages: 1,
    run: async (probe) => {
      const wire = await probe.open();
      await wire.post(probe.package([probe.to]), 1);
      await wire.post(probe.package([probe.to]), 1);
      return { verdict: "pass", got: "" };
    },
  };
  await withSink([], async ({ endpoint }) => {
    await expect(check(endpoint, [greedy])).rejects.toThrow("2/greedy sends more messages than announced");
  });
});
