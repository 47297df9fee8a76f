import { now } from "../../io/clock.ts";
import { responses, undecided } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { type Outcome, pass } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { statusOf } from "../seen.ts";

/** Lengths to announce, in bytes: some servers refuse 200,000,001, counters of 31 or 32 bits overflow. */
const LENGTHS = [1_000_000, 100_000_000, 200_000_001, 2_147_483_648, 4_294_967_296, 9_999_999_999];
/** A session should take an hour at most. */
const HOUR_MS = 3_600_000;

/** What is known about servers' texts. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/^ok \d{9,} qp \d+$/, "qmail-qmtpd, or one with its texts"],
  [/^2\.\d\.\d /, "mailfront"],
  [/^ /, "s/qmail"],
];

const INFO = { level: "info", messages: 0, expected: "a value" } as const;

/** What a server is like. */
export const INFORMATION_CASES: readonly ActiveCase[] = [
  {
    ...INFO,
    id: "7/connect-time",
    requirement: "How long it takes to connect.",
    needs: [],
    sent: "nothing",
    run: async (probe) => {
      const startedAt = now();
      await probe.open();
      return pass(`${milliseconds(startedAt)} ms`);
    },
  },
  {
    ...INFO,
    id: "7/answer-time",
    requirement: "How long a small message takes to be answered.",
    needs: ["to"],
    messages: 1,
    sent: "one package with one recipient",
    run: async (probe) => {
      const wire = await probe.open();
      const startedAt = now();
      await wire.post(probe.package([probe.to]), 1);
      await responses(wire, 1);
      return pass(`${milliseconds(startedAt)} ms`);
    },
  },
  {
    ...INFO,
    id: "7/greatest-length",
    requirement: "The greatest length of a message that is not refused at once.",
    needs: [],
    sent: "lengths of messages, each with the first byte of a message",
    run: greatestLength,
  },
  {
    ...INFO,
    id: "7/idle-time",
    requirement: "How long a silent client stays connected.",
    needs: ["slow"],
    sent: "nothing",
    run: async (probe) => {
      const startedAt = now();
      const wire = await probe.open();
      const heard = await wire.hear(1, HOUR_MS);
      if (heard.end === "time") return pass("more than an hour");
      if (heard.end !== "closed") throw undecided(heard);
      return pass(`${Math.round((now() - startedAt) / 1_000)} s`);
    },
  },
  {
    ...INFO,
    id: "7/software",
    requirement: "Which software it may be, by its texts.",
    needs: ["to"],
    sent: "one package with one recipient",
    run: async ({ controls }) => {
      const [content] = (await controls.heard("to")).responses;
      const text = content === undefined || statusOf(content) !== "success" ? "" : `${content.subarray(1)}`;
      return pass(TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? "unknown");
    },
  },
];

async function greatestLength(probe: Probe): Promise<Outcome> {
  const open = await Promise.all(
    LENGTHS.map(async (length) => {
      const wire = await probe.open();
      await wire.send(Buffer.from(`${length}:\n`));
      const heard = await wire.hear(1, probe.subject.waitMs);
      wire.close();
      return heard.end === "time" ? length : 0;
    }),
  );
  const greatest = Math.max(...open);
  if (greatest === 0) return pass(`less than ${LENGTHS[0]} bytes`);
  return pass(greatest === LENGTHS.at(-1) ? "every length of ten digits" : `${greatest} bytes`);
}

function milliseconds(since: number): string {
  return (now() - since).toFixed(1);
}
