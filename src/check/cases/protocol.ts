import { answered, responses, surplus, undecided } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { heardInWords } from "../heard.ts";
import { fail, type Outcome, pass, unclear } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { statusOf } from "../seen.ts";
import type { Wire } from "../wire.ts";
import { messageIn } from "../wire-package.ts";

const SPLIT = "clients need one package per recipient: qmtp send --split";
const EARLY = "clients must not take a response for the answer to a package that they have not sent whole";

/** Section 2: which responses come, when, and in which order. */
export const PROTOCOL_CASES: readonly ActiveCase[] = [
  {
    id: "2/answers",
    level: "must",
    requirement: "A package gets a response.",
    needs: ["to"],
    messages: 0,
    isControl: true,
    sent: "one package with one recipient",
    expected: "1 response",
    advice: "clients get no answer, and must treat every recipient as a deferral",
    run: async ({ controls }) => {
      const heard = await controls.heard("to");
      const answered = heard.responses.length > 0 || heard.end === "broken";
      const found = answered ? pass(heardInWords(heard)) : fail(heardInWords(heard));
      return { ...found, bytes: await controls.bytes() };
    },
  },
  {
    id: "2/silent-at-connect",
    level: "must",
    requirement: "The server sends nothing before the client has sent a package.",
    needs: [],
    messages: 0,
    sent: "nothing",
    expected: "nothing",
    advice: EARLY,
    run: async (probe) => nothingComes(probe, await probe.open()),
  },
  {
    id: "2/silent-in-message",
    level: "must",
    requirement: "The server sends nothing in the middle of a message.",
    needs: [],
    messages: 0,
    sent: "a package up to the middle of its message, in each encoding",
    expected: "nothing",
    advice: EARLY,
    run: silentInMessage,
  },
  {
    id: "2/silent-before-last-byte",
    level: "must",
    requirement: "The server sends nothing before the last byte of a package.",
    needs: [],
    messages: 0,
    sent: "all but the last byte of a package",
    expected: "nothing",
    advice: EARLY,
    run: async (probe) => {
      const wire = await probe.open();
      await wire.send(probe.incomplete());
      return nothingComes(probe, wire);
    },
  },
  {
    id: "2/one-response-each",
    level: "must",
    requirement: "Each recipient of a package gets a response of its own.",
    needs: ["to"],
    messages: 3,
    sent: "one package with 3 recipients",
    expected: "3 responses",
    advice: SPLIT,
    run: async (probe) => {
      const another = await probe.another();
      const wire = await probe.open();
      await wire.post(probe.package([probe.to, another, probe.to]), 3);
      return allCome(wire, 3);
    },
  },
  {
    id: "2/same-address-twice",
    level: "must",
    requirement: "A recipient that is named twice gets two responses.",
    needs: ["to"],
    messages: 2,
    sent: "one package with the same recipient twice",
    expected: "2 responses",
    advice: SPLIT,
    run: async (probe) => {
      const wire = await probe.open();
      await wire.post(probe.package([probe.to, probe.to]), 2);
      return allCome(wire, 2);
    },
  },
  {
    id: "2/no-extra-response",
    level: "must",
    requirement: "There are no more responses than recipients.",
    needs: ["to"],
    messages: 1,
    sent: "one package with one recipient",
    expected: "1 response, then nothing",
    advice: "clients must not take a surplus response for the answer to their next package",
    run: async (probe) => {
      const wire = await probe.open();
      await wire.post(probe.package([probe.to]), 1);
      await responses(wire, 1);
      const heard = await surplus(wire, 2, probe.subject.waitMs);
      return heard.end === "enough" ? fail(heardInWords(heard)) : pass("1 response");
    },
  },
  {
    id: "2/order",
    level: "must",
    requirement: "Responses come in the order of the recipients.",
    needs: ["to", "refused"],
    messages: 2,
    sent: "two packages, with an accepted and a refused recipient, both ways round",
    expected: "the response of each recipient in its place",
    advice: "no client can tell which recipients a package reached: qmtp send --split",
    run: inOrder,
  },
];

async function nothingComes({ subject }: Probe, wire: Wire): Promise<Outcome> {
  const heard = await wire.anything(subject.waitMs);
  if (heard.bytes > 0) return fail(heardInWords(heard));
  // What closes at once may be no QMTP server at all.
  if (heard.end === "closed") throw undecided(heard);
  return pass("nothing");
}

/** A server that refuses an encoding may do so too early. */
async function silentInMessage(probe: Probe): Promise<Outcome> {
  for (const encoding of ["unix", "dos"] as const) {
    const message = messageIn(encoding, probe.message().text);
    const wire = await probe.open();
    await wire.send(Buffer.from(`${message.length}:${message.toString("latin1", 0, message.length >> 1)}`));
    const found = await nothingComes(probe, wire);
    if (found.verdict === "fail") return fail(`${found.got}, in the encoding ${encoding}`);
    wire.close();
  }
  return pass("nothing");
}

/** A case about the number of responses: none at all, or a closed connection, is another deviation. */
async function allCome(wire: Wire, count: number): Promise<Outcome> {
  const heard = await wire.hear(count);
  if (heard.responses.length === 0) throw undecided(heard);
  return answered(heard);
}

async function inOrder(probe: Probe): Promise<Outcome> {
  await probe.accepting();
  await probe.refusing();
  const { to, refused } = probe;
  const statuses: string[] = [];
  for (const recipients of [
    [to, refused],
    [refused, to],
  ]) {
    const wire = await probe.open();
    await wire.post(probe.package(recipients), 1);
    for (const content of await responses(wire, 2)) statuses.push(statusOf(content) ?? "unknown");
    // A server may serve one client at a time.
    wire.close();
  }
  const got = `${statuses.slice(0, 2).join(", ")}; then ${statuses.slice(2).join(", ")}`;
  const [a1, r1, r2, a2] = statuses.map((status) => status === "success");
  if (a1 && !r1 && !r2 && a2) return pass(got);
  // A success in the place of the refused recipient, and none in that of the other.
  if ((r1 && !a1) || (r2 && !a2)) return fail(got);
  // With the same verdict for both, the order cannot be seen.
  return unclear(got);
}
