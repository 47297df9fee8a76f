import { answered, noResponse } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { CONTENTS } from "../content.ts";
import { heardInWords } from "../heard.ts";
import { closed, type Outcome, pass, unclear } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { accepted, acceptedInDos } from "./acceptance.ts";
import { SENDER_CASES } from "./senders.ts";

const MANY = 1_000;
/** What `4/large-message` sends, in bytes. */
const LARGE = 64 * 1024 * 1024;
/** The message of section 8's second example. */
const EXAMPLE_2_HEADER = `From: MAILER-DAEMON@heaven.af.mil
To:
   Hate."The Quoting"@SILVERTON.berkeley.edu,
   "\\\\Backslashes!"@silverton.BERKELEY.edu
`;
const EXAMPLE_2_BODY = `The recipient addresses here could have been encoded in SMTP as

   RCPT TO:<Hate.The\\ Quoting@silverton.berkeley.EDU>
   RCPT TO:<\\\\Backslashes!@silverton.berkeley.edu>

This ends with a partial last line, right here`;

/** Section 4: what packages may contain. */
export const PACKAGE_CASES: readonly ActiveCase[] = [
  {
    id: "4/encoding-dos",
    level: "must",
    requirement: "A message is not rejected because of its encoding.",
    needs: ["to"],
    messages: 2,
    sent: "a message in encoding #1 (dos: CR LF)",
    expected: "success, as for the same message in encoding #2 (unix: LF)",
    advice: "clients must send in encoding #2: qmtp send --encoding unix, which is the default",
    run: acceptedInDos,
  },
  {
    id: "4/empty-message",
    level: "should",
    requirement: "A message of one empty line is accepted.",
    needs: ["to"],
    messages: 2,
    sent: "a message without a byte after the encoding",
    expected: "success",
    advice: "clients must not send empty messages: qmtp send --skip-empty",
    run: (probe) => accepted(probe, Buffer.alloc(0)),
  },
  {
    id: "4/null-sender",
    level: "must",
    requirement: "The sender may be empty.",
    needs: ["to"],
    messages: 2,
    sent: "a message from the null sender",
    expected: "success",
    advice: "bounces cannot be sent to this server",
    run: (probe) => accepted(probe, probe.message().text, Buffer.alloc(0)),
  },
  {
    id: "4/example-1",
    level: "should",
    requirement: "The first example of section 8 is accepted.",
    needs: ["to"],
    messages: 2,
    sent: "the message of the first example, with a Subject",
    expected: "success",
    advice: "clients must not send messages with a Received field, which every relay adds",
    run: (probe) => accepted(probe, firstExample(probe)),
  },
  {
    id: "4/example-2",
    level: "should",
    requirement: "The second example of section 8 is accepted, in encoding #2.",
    needs: ["to"],
    messages: 2,
    sent: "the message of the second example, with a Subject",
    expected: "success",
    advice: "clients must not send messages with folded header fields or without a final line end",
    run: (probe) => accepted(probe, probe.message(EXAMPLE_2_BODY, EXAMPLE_2_HEADER).text),
  },
  {
    id: "4/contents",
    level: "must",
    requirement: "A message may contain any bytes: each is answered, and the connection stays usable.",
    needs: ["to"],
    messages: CONTENTS.length + 1,
    sent: "messages with NUL, 8-bit bytes, CR alone, a dot, From, a long line and no final line end",
    expected: `${CONTENTS.length} responses`,
    advice: "clients must encode messages as lines of printable text",
    run: anyContents,
  },
  ...SENDER_CASES,
  {
    id: "4/no-recipients",
    level: "should",
    requirement: "A package without recipients has no responses.",
    needs: [],
    messages: 0,
    sent: "a package with an empty list of recipients",
    expected: "no response",
    advice: "clients must not send packages without recipients",
    run: async (probe) => {
      const wire = await probe.open();
      await wire.send(probe.package([]));
      return noResponse(wire, probe.subject.waitMs);
    },
  },
  {
    id: "4/many-recipients",
    level: "should",
    requirement: "A package may have many recipients.",
    needs: ["refused"],
    messages: 0,
    sent: "a package with 1,000 refused recipients",
    expected: "1,000 responses",
    advice: "clients must send packages of few recipients, or of one: qmtp send --split",
    run: async (probe) => {
      await probe.refusing();
      const wire = await probe.open();
      await wire.send(probe.package(Array.from({ length: MANY }, () => probe.refused)));
      return answered(await wire.hear(MANY));
    },
  },
  {
    id: "4/large-message",
    level: "should",
    requirement: "A message of 64 MiB is answered.",
    needs: ["to", "large"],
    messages: 1,
    sent: "a message of 64 MiB",
    expected: "1 response",
    advice: "clients must not send messages of that size",
    run: async (probe) => {
      const wire = await probe.open();
      const { text } = probe.message(`${"x".repeat(99)}\n`.repeat(LARGE / 100));
      await wire.post(probe.package([probe.to], text), 1);
      return answered(await wire.hear(1));
    },
  },
];

async function anyContents(probe: Probe): Promise<Outcome> {
  const wire = await probe.open();
  for (const [index, { body, before }] of CONTENTS.entries()) {
    const bytes = probe.package([probe.to], probe.message(body, before).text);
    await wire.post(bytes, 1);
    const heard = await wire.hear(index + 1);
    if (heard.end === "enough") continue;
    if (heard.end !== "closed") return answered(heard);
    // A server may close after any package: it is about this one if it does so again.
    const another = await probe.open();
    await another.post(bytes, 1);
    const again = await another.hear(1);
    return again.end === "closed" ? closed(heardInWords(heard)) : unclear(heardInWords(heard));
  }
  return pass(`${CONTENTS.length} responses`);
}

function firstExample(probe: Probe): Buffer {
  const before = [
    "Received: (qmail-queue invoked by uid 0); 29 Jul 1996 09:36:40 -0000",
    "To: djb@silverton.berkeley.edu (D. J. Bernstein)",
    "",
  ];
  return probe.message("This is a test.\n", before.join("\n")).text;
}
