import { responses } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { CONTENTS, type Content } from "../content.ts";
import { fail, late, type Outcome, pass, Undecided } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { inWords, statusOf } from "../seen.ts";
import { messageIn, wireBytes } from "../wire-package.ts";

const CORRUPT = "mail is corrupted: do not send it such messages";

/** Section 5: a message that is accepted is stored without corruption. */
export const CONTENT_CASES: readonly ActiveCase[] = [
  {
    ...stored({ slug: "plain", what: "plain text", body: "" }),
    advice: "mail is lost or corrupted: do not use this server; or the inbox is another one",
    run: async (probe) => {
      const { text, mark } = probe.message();
      return arrivesAs(probe, probe.package([probe.to], text), text, mark);
    },
  },
  {
    ...stored({ slug: "dos", what: "CR LF, in encoding #1", body: "" }),
    run: storedInDos,
  },
  ...CONTENTS.map(stored),
];

function stored({ slug, what, body, before }: Content): ActiveCase {
  return {
    id: `5/stored-${slug}`,
    level: "must",
    requirement: `A message with ${what} is stored byte for byte, or refused.`,
    needs: ["to", "inbox"],
    messages: 1,
    sent: `a message with ${what}`,
    expected: "the same bytes in the inbox, below what the server adds; or no success",
    advice: `${CORRUPT} (${what})`,
    run: async (probe) => {
      await probe.delivering();
      const { text, mark } = probe.message(body, before);
      return arrivesAs(probe, probe.package([probe.to], text), text, mark);
    },
  };
}

async function storedInDos(probe: Probe): Promise<Outcome> {
  await probe.delivering();
  const { text, mark } = probe.message("first\nlast");
  const message = messageIn("dos", text);
  const { to, subject } = probe;
  return arrivesAs(probe, wireBytes({ message, sender: subject.sender, recipients: [to] }), text, mark);
}

async function arrivesAs(probe: Probe, bytes: Buffer, text: Buffer, mark: string): Promise<Outcome> {
  const wire = await probe.open();
  await wire.post(bytes, 1);
  const [content] = await responses(wire, 1);
  const status = content && statusOf(content);
  if (content === undefined || status === undefined) throw new Undecided("no status");
  if (status !== "success") return pass(inWords(content));
  wire.half();
  const arrived = await probe.arrived(mark);
  wire.close();
  if (arrived === undefined) return late("success, but the message has not arrived");
  if (arrived.subarray(-text.length).equals(text)) return pass("the same bytes");
  return fail(difference(text, arrived, mark));
}

/** Where a message that has arrived begins to differ. */
function difference(text: Buffer, arrived: Buffer, mark: string): string {
  const [from, at] = [text.indexOf(mark), arrived.indexOf(mark)];
  let equal = 0;
  while (from + equal < text.length && text[from + equal] === arrived[at + equal]) equal++;
  if (from + equal === text.length) {
    const more = arrived.length - at - equal;
    return more === 0 ? "other bytes before the header" : `more bytes at the end: ${more}`;
  }
  return `byte ${from + equal} is ${named(arrived[at + equal])} instead of ${named(text[from + equal])}`;
}

function named(byte: number | undefined): string {
  return byte === undefined ? "missing" : `0x${byte.toString(16).padStart(2, "0")}`;
}
