import { answered, responses, undecided } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { closed, fail, late, type Outcome, pass, Undecided } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { statusOf } from "../seen.ts";

/** A length that no netstring can have. */
const BROKEN = Buffer.from("broken");
const LOST = "mail is lost: do not use this server";

/** A connection that is closed later than that, in milliseconds, was silent for too long. */
const AT_ONCE_MS = 250;

/** Section 2: connections that end, and packages that never do. */
export const ENDING_CASES: readonly ActiveCase[] = [
  {
    id: "2/half-closed",
    level: "should",
    requirement: "Responses still come after the client has closed its side.",
    needs: ["to"],
    messages: 1,
    sent: "a package, then the end of our side",
    expected: "1 response",
    advice: "clients must keep their side open until the last response has come",
    run: async (probe) => {
      const wire = await probe.open();
      await wire.post(probe.package([probe.to]), 1);
      wire.half();
      return answered(await wire.hear(1));
    },
  },
  {
    id: "2/cut-discarded",
    level: "must",
    requirement: "A package without its last byte is thrown away.",
    needs: ["to", "inbox"],
    messages: 1,
    sent: "all but the last byte of a package, then the end of the connection",
    expected: "no message arrives",
    advice: "a message that a client could not finish may be delivered twice, or in part",
    run: cutAway,
  },
  {
    id: "2/cut-keeps-accepted",
    level: "must",
    requirement: "An accepted message is delivered even if the next package is cut.",
    needs: ["to", "inbox"],
    messages: 1,
    sent: "a package, and after its response half of another, then the end of the connection",
    expected: "the message arrives",
    advice: LOST,
    run: (probe) => {
      const next = probe.incomplete();
      return acceptedStays(probe, next.subarray(0, next.length >> 1));
    },
  },
  {
    id: "2/cut-serves-others",
    level: "must",
    requirement: "A client that closes in the middle of a package does not disturb others.",
    needs: [],
    messages: 0,
    isAboutOthers: true,
    sent: "half a package, then the end of the connection; then another connection",
    expected: "the other connection stays open",
    advice: "any client can end the service for all",
    run: async (probe) => {
      const cut = await probe.open();
      const half = probe.incomplete();
      await cut.send(half.subarray(0, half.length >> 1));
      const before = await cut.hear(1, probe.subject.waitMs);
      if (before.end === "closed") {
        // If it has served us before, another case may have cut a package.
        if (probe.controls.hasServed) return staysOpen(probe);
        throw undecided(before);
      }
      cut.half();
      await cut.hear(1, probe.subject.waitMs);
      cut.close();
      return staysOpen(probe);
    },
  },
  {
    id: "2/accepted-stays",
    level: "must",
    requirement: "An accepted message is delivered even if the next package is broken.",
    needs: ["to", "inbox"],
    messages: 1,
    sent: "a package, and after its response bytes that are no package",
    expected: "the message arrives",
    advice: LOST,
    run: (probe) => acceptedStays(probe, BROKEN),
  },
  {
    id: "2/answer-before-broken",
    level: "should",
    requirement: "A package is answered even if what follows it is broken.",
    needs: ["to"],
    messages: 1,
    sent: "a package, with bytes behind it that are no package",
    expected: "1 response",
    advice: "a client with a bug sends some messages twice",
    run: async (probe) => {
      const wire = await probe.open();
      await wire.post(Buffer.concat([probe.package([probe.to]), BROKEN]), 1);
      return answered(await wire.hear(1));
    },
  },
];

/** Another client, whose connection should not be closed at once. */
export async function staysOpen(probe: Probe): Promise<Outcome> {
  const other = await probe.open();
  const heard = await other.hear(1, Math.min(probe.subject.waitMs, AT_ONCE_MS));
  return heard.end === "closed" ? closed("the other connection was closed") : pass("it stays open");
}

async function cutAway(probe: Probe): Promise<Outcome> {
  const { waitMs } = probe.subject;
  await probe.delivering();
  const wire = await probe.open();
  const { text, mark } = probe.message();
  // If the server delivers it anyway, this is a message.
  await wire.post(probe.package([probe.to], text).subarray(0, -1), 1);
  wire.half();
  await wire.hear(1, waitMs);
  wire.close();
  const arrived = await probe.arrived(mark, waitMs);
  return arrived === undefined ? pass("no message") : fail("the message has arrived");
}

/** @param next what follows the package once it is accepted */
async function acceptedStays(probe: Probe, next: Buffer): Promise<Outcome> {
  await probe.delivering();
  const wire = await probe.open();
  const { text, mark } = probe.message();
  await wire.post(probe.package([probe.to], text), 1);
  const [content] = await responses(wire, 1);
  if (content === undefined || statusOf(content) !== "success") throw new Undecided("it is not accepted");
  await wire.send(next);
  wire.half();
  await wire.hear(2, probe.subject.waitMs);
  wire.close();
  if ((await probe.arrived(mark)) !== undefined) return pass("the message has arrived");
  return late("the message has not arrived");
}
