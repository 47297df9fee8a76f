import { allAnswered, answered, answeredUnlessClosed, responses, undecided } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { closed, type Outcome, pass } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { unread } from "./unread.ts";

const MANY = 100;
/** How long `2/after-silence` is silent, by the time to wait. */
const SILENCES = 10;
const ONE_AT_A_TIME = "clients must wait for the responses to a package before they send the next";
const RECONNECT = "clients must connect anew for each package";

/** Section 2: packages one after the other on a connection, and connections beside each other. */
export const PIPELINING_CASES: readonly ActiveCase[] = [
  {
    id: "2/second-package",
    level: "should",
    requirement: "The connection is kept for another package.",
    needs: ["to"],
    messages: 2,
    sent: "a package, and after its response another",
    expected: "a response to each",
    advice: RECONNECT,
    run: async (probe) => {
      const wire = await probe.open();
      await wire.post(probe.package([probe.to]), 1);
      await responses(wire, 1);
      await wire.post(probe.package([probe.to]), 1);
      return answered(await wire.hear(2));
    },
  },
  {
    id: "2/two-in-one-write",
    level: "must",
    requirement: "The server throws nothing away that has arrived when it responds.",
    needs: ["to"],
    messages: 2,
    sent: "two packages in one write",
    expected: "a response to each",
    advice: ONE_AT_A_TIME,
    run: async (probe) => {
      const wire = await probe.open();
      const one = probe.package([probe.to]);
      await wire.post(Buffer.concat([one, probe.package([probe.to])]), 2);
      await responses(wire, 1);
      return answeredUnlessClosed(await wire.hear(2));
    },
  },
  {
    id: "2/hundred-packages",
    level: "must",
    requirement: "The client need not wait for a response before it sends another package.",
    needs: ["refused"],
    messages: 0,
    sent: `${MANY} packages to the refused recipient before anything is read`,
    expected: `${MANY} responses`,
    advice: ONE_AT_A_TIME,
    run: async (probe) => {
      await probe.refusing();
      const wire = await probe.open();
      const all = Array.from({ length: MANY }, () => probe.package([probe.refused]));
      wire.ignore();
      await wire.send(Buffer.concat(all));
      wire.listen();
      await responses(wire, 1);
      return allAnswered(wire, MANY);
    },
  },
  {
    id: "2/unread-responses",
    level: "must",
    requirement: "The server reads on while a few responses are unread.",
    needs: ["refused"],
    messages: 0,
    sent: "16 MiB of packages to the refused recipient; nothing is read meanwhile",
    expected: "all of it is read, and a response to each package",
    advice: "clients must read responses at all times, even if few are owed",
    run: unread,
  },
  {
    id: "2/whole-and-half",
    level: "must",
    requirement: "A server that delays its responses does not wait for further data.",
    needs: ["to"],
    messages: 1,
    sent: "a package and half of another in one write",
    expected: "a response to the first",
    advice: "clients must not begin a package while they wait for a response",
    run: async (probe) => {
      const wire = await probe.open();
      const whole = probe.package([probe.to]);
      const half = probe.incomplete();
      await wire.post(Buffer.concat([whole, half.subarray(0, half.length >> 1)]), 1);
      return answered(await wire.hear(1));
    },
  },
  {
    id: "2/one-byte-segments",
    level: "must",
    requirement: "A package may arrive in any pieces.",
    needs: ["to"],
    messages: 1,
    sent: "a package, one byte at a time",
    expected: "1 response",
    advice: "clients must write a package at once, and even then it may be lost",
    run: async (probe) => {
      const wire = await probe.open();
      const bytes = probe.package([probe.to]);
      const last = bytes.length - 1;
      for (let at = 0; at < last; at++) {
        if ((await wire.send(bytes.subarray(at, at + 1))) !== "sent") break;
        await probe.pause(0);
      }
      await wire.post(bytes.subarray(last), 1);
      return answered(await wire.hear(1));
    },
  },
  {
    id: "2/four-connections",
    level: "should",
    requirement: "Several clients can be connected at once.",
    needs: [],
    messages: 0,
    sent: "half a package on each of four connections",
    expected: "all stay open",
    advice: "clients must use one connection at a time",
    run: fourAtOnce,
  },
  {
    id: "2/after-silence",
    level: "should",
    requirement: "The connection is kept while the client is silent for a few seconds.",
    needs: ["to"],
    messages: 1,
    sent: "a package, after a silence (5 s by default)",
    expected: "1 response",
    advice: "clients must send at once when they have connected",
    run: async (probe) => {
      const wire = await probe.open();
      await probe.pause(probe.subject.waitMs * SILENCES);
      await wire.post(probe.package([probe.to]), 1);
      return answered(await wire.hear(1));
    },
  },
];

async function fourAtOnce(probe: Probe): Promise<Outcome> {
  const half = probe.incomplete();
  const opened = async () => {
    const wire = await probe.open();
    await wire.send(half.subarray(0, half.length >> 1));
    return wire;
  };
  const first = await (await opened()).hear(1, probe.subject.waitMs);
  // Then it is not because of their number.
  if (first.end !== "time") throw undecided(first);
  const others = await Promise.all([opened(), opened(), opened()]);
  const heard = await Promise.all(others.map((wire) => wire.hear(1, probe.subject.waitMs)));
  const ended = heard.filter(({ end }) => end === "closed").length;
  return ended === 0 ? pass("all stay open") : closed(`${ended} of 4 connections were closed`);
}
