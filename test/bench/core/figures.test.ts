import { describe, expect, test } from "vitest";
import { Latencies } from "../../../src/bench/latencies.ts";
import { windowFor } from "../../../src/bench/plan.ts";
import { Texts } from "../../../src/bench/texts.ts";
import { Timeline } from "../../../src/bench/timeline.ts";

describe("latencies", () => {
  test("have their percentiles to three digits", () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 10_000; ms++) latencies.record(ms);
    const summary = latencies.summary;
    const expected = { mean: 5_000.5, p50: 5_000, p90: 9_000, p99: 9_900, "p99.9": 9_990, max: 10_000 };
    for (const [name, value] of Object.entries(expected)) {
      const shown = summary?.[name as keyof typeof expected] ?? 0;
      expect(Math.abs(shown / value - 1), name).toBeLessThan(0.001);
    }
  });

  test("of nothing are null, and nothing is drawn", () => {
    expect([new Latencies().summary, new Latencies().buckets]).toEqual([null, []]);
  });

  test("are in the bucket that they are not longer than; those beside are empty", () => {
    const latencies = new Latencies();
    for (const ms of [0, 0.0004, 0.01, 0.011, 1, 1.001, 5]) latencies.record(ms);
    const filled = latencies.buckets.filter(({ count }) => count > 0);
    expect(filled).toEqual([
      { upToMs: 0.01, count: 3 },
      { upToMs: 0.015, count: 1 },
      { upToMs: 1, count: 1 },
      { upToMs: 1.5, count: 1 },
      { upToMs: 5, count: 1 },
    ]);
    expect([latencies.buckets[0], latencies.buckets.at(-1)]).toEqual([filled[0], filled.at(-1)]);
  });

  test("longer than any session count as the longest", () => {
    const latencies = new Latencies();
    latencies.record(10 ** 12);
    expect(latencies.summary?.max).toBeGreaterThan(3_600_000);
    expect(latencies.buckets).toEqual([{ upToMs: 5_000_000, count: 1 }]);
  });
});

describe("texts", () => {
  const shown = (texts: Texts, most = 10) => {
    const { texts: top, others } = texts.top(most);
    return [...top.map(({ status, text, count }) => `${count} ${status} ${text}`), others];
  };

  test("are the same if only their numbers differ, but not if a status code does", () => {
    const texts = new Texts();
    for (const text of ["ok 1 qp 2", "ok 33 qp 44", "ok x7 qp 1"]) texts.add("success", Buffer.from(text));
    for (const text of ["no (#5.1.1)", "no (#5.1.2)"]) texts.add("failure", Buffer.from(text));
    expect(shown(texts)).toEqual([
      "2 success ok N qp N",
      "1 success ok x7 qp N",
      "1 failure no (#5.1.1)",
      "1 failure no (#5.1.2)",
      0,
    ]);
  });

  test("with another status are another text", () => {
    const texts = new Texts();
    for (const status of ["success", "deferral", "deferral"] as const) texts.add(status, Buffer.from("hm"));
    expect(shown(texts, 1)).toEqual(["2 deferral hm", 1]);
  });

  test("keep their bytes, and take no more memory however different they are", () => {
    const texts = new Texts();
    texts.add("success", Buffer.of(0xff, 0xfe));
    for (let at = 0; at < 5_000; at++) texts.add("success", Buffer.from(`id-${at}`));
    const { texts: top, others } = texts.top(1);
    expect(top).toEqual([{ status: "success", text: Buffer.of(0xff, 0xfe), count: 1 }]);
    expect(others).toBe(5_000);
  });
});

describe("the rate over time", () => {
  test("is that of each slice", () => {
    const timeline = new Timeline();
    for (const ms of [0, 50, 99, 100, 250, 301]) timeline.add(ms);
    // The last slice is not over.
    expect([timeline.widthMs, timeline.perSecond]).toEqual([100, [30, 10, 10]]);
  });

  test("has wider slices if it takes longer, and the same sum", () => {
    const timeline = new Timeline();
    for (let ms = 0; ms < 3_600_000; ms += 100) timeline.add(ms);
    expect(timeline.perSecond.length).toBeLessThanOrEqual(240);
    expect(new Set(timeline.perSecond)).toEqual(new Set([10]));
  });
});

test("no more is in flight than a session allows, and at least one", () => {
  expect([windowFor(10, 0), windowFor(1_000, 1_000_000), windowFor(5, 10 ** 9)]).toEqual([10, 62, 1]);
});
