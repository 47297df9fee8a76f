import { answered, surplus } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { heardInWords } from "../heard.ts";
import { fail, type Outcome, pass, Undecided } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { inWords, statusOf } from "../seen.ts";
import { type Flaw, messageIn, type Part, type WirePackage, wireBytes } from "../wire-package.ts";

const PARTS: readonly Part[] = ["message", "sender", "list", "recipient"];
const IN_WORDS: Readonly<Record<Part, string>> = {
  message: "the message",
  sender: "the sender",
  list: "the list of recipients",
  recipient: "a recipient",
};
/** What the letter A counts as, computed as a digit. */
const A_VALUE = 17;
const BUGS = "a client with a bug can make this server accept what it did not mean";

/** Section 6: anything that is not a netstring is rejected. */
export const NETSTRING_CASES: readonly ActiveCase[] = [
  ...PARTS.map((part) => flawed("leading-zero", part, "with a leading zero", (right) => `0${right}`)),
  ...["message", "sender", "recipient"].map((part) => emptyLength(part as Part)),
  ...PARTS.map((part) => flawed("letter", part, "with a letter", (right) => `${right}x`)),
  ...PARTS.map((part) => flawed("not-a-digit", part, "with a byte in place of a digit", notDigits)),
  ...PARTS.map((part) => flawed("sign", part, "with a sign", (right) => `+${right}`)),
  ...PARTS.map((part) => flawed("blank", part, "with a blank", (right) => ` ${right}`)),
  ...PARTS.map(missingComma),
  malformed(
    "recipient-beyond-list",
    "A recipient does not reach beyond the list of recipients.",
    "a list whose length is too small for its recipient",
    (pkg) => wireBytes(pkg, { part: "list", length: (right) => String(right - 2) }),
  ),
  malformed(
    "list-ends-in-recipient",
    "The list of recipients does not end within a recipient.",
    "a list that ends within its recipient",
    (pkg) => wireBytes(pkg, { part: "recipient", length: (right) => String(right + 5), comma: "" }),
  ),
  tooLong(11),
  tooLong(20),
  malformed(
    "length-32-bits",
    "A length of 2^32 + n is not taken for n.",
    "a message of n bytes, with a length of 2^32 + n",
    (pkg) => wireBytes(pkg, { part: "message", length: (right) => String(2n ** 32n + BigInt(right)) }),
  ),
  malformed(
    "length-64-bits",
    "A length of 2^64 + n is not taken for n.",
    "a message of n bytes, with a length of 2^64 + n",
    (pkg) => wireBytes(pkg, { part: "message", length: (right) => String(2n ** 64n + BigInt(right)) }),
  ),
  {
    id: "6/serves-others",
    level: "must",
    requirement: "A broken package does not disturb other clients.",
    needs: ["to"],
    messages: 1,
    isAboutOthers: true,
    sent: "bytes that are no package on one connection, then a package on another",
    expected: "1 response",
    advice: "any client can end the service for all",
    run: servesOthers,
  },
];

/**
 * A length whose last byte is no digit, and yet makes it right for those who compute `10 * length + byte - '0'`: a
 * letter if the length is large enough, or else a byte before 0.
 */
function notDigits(right: number): string {
  const last = right >= A_VALUE ? A_VALUE + ((right - A_VALUE) % 10) : (right % 10) - 10;
  const tens = (right - last) / 10;
  return `${tens === 0 ? "" : tens}${String.fromCharCode(0x30 + last)}`;
}

function flawed(slug: string, part: Part, how: string, lengthFor: (right: number) => string): ActiveCase {
  return malformed(
    `${slug}-${part}`,
    `The length of ${IN_WORDS[part]} is not accepted ${how}.`,
    `a package in which the length of ${IN_WORDS[part]} is written ${how}`,
    (pkg) => wireBytes(pkg, { part, length: lengthFor }),
  );
}

/** An empty length in place of 0. */
function emptyLength(part: Part): ActiveCase {
  const length = () => "";
  const empty = Buffer.alloc(0);
  const flaw: Flaw = { part, length };
  return malformed(
    `empty-length-${part}`,
    `The length of ${IN_WORDS[part]} is not empty.`,
    `a package in which ${IN_WORDS[part]} is empty, with an empty length`,
    (pkg) => {
      if (part === "message") return wireBytes({ ...pkg, message: empty }, flaw);
      if (part === "sender") return wireBytes({ ...pkg, sender: empty }, flaw);
      return wireBytes({ ...pkg, recipients: [...pkg.recipients, empty] }, flaw);
    },
  );
}

function missingComma(part: Part): ActiveCase {
  return malformed(
    `missing-comma-${part}`,
    `A comma ends ${IN_WORDS[part]}.`,
    `a package with ; in place of the comma that ends ${IN_WORDS[part]}`,
    (pkg) => wireBytes(pkg, { part, comma: ";" }),
  );
}

function malformed(
  slug: string,
  requirement: string,
  sent: string,
  bytesOf: (pkg: WirePackage) => Buffer,
): ActiveCase {
  return {
    id: `6/${slug}`,
    level: "must",
    requirement,
    needs: ["to"],
    messages: 1,
    sent,
    expected: "the connection is closed, or nothing comes; never a success",
    advice: BUGS,
    run: (probe) => neverAccepted(probe, bytesOf),
  };
}

async function neverAccepted(probe: Probe, bytesOf: (pkg: WirePackage) => Buffer): Promise<Outcome> {
  const { to, subject } = probe;
  const message = messageIn("unix", probe.message().text);
  const bytes = bytesOf({ message, sender: subject.sender, recipients: [to] });
  const wire = await probe.open();
  await wire.post(bytes, 1);
  const heard = await surplus(wire, 1, subject.waitMs);
  const [content] = heard.responses;
  if (content === undefined) return pass(heardInWords(heard));
  const status = statusOf(content);
  if (status === "success") return fail(heardInWords(heard));
  if (status === undefined) throw new Undecided(heardInWords(heard));
  // A refusal is fine, unless everything is refused.
  await probe.accepting();
  return pass(heardInWords(heard));
}

function tooLong(digits: number): ActiveCase {
  return {
    id: `6/length-${digits}-digits`,
    level: "must",
    requirement: `A message whose length has ${digits} digits is not accepted before it has come.`,
    needs: [],
    messages: 0,
    sent: `a length of ${digits} digits, and the beginning of a message`,
    expected: "the connection is closed, or nothing comes",
    advice: BUGS,
    run: async (probe) => {
      const wire = await probe.open();
      const { text } = probe.message();
      await wire.send(Buffer.concat([Buffer.from(`${"9".repeat(digits)}:\n`), text]));
      const heard = await surplus(wire, 1, probe.subject.waitMs);
      const [content] = heard.responses;
      const accepted = content !== undefined && statusOf(content) === "success";
      return accepted ? fail(inWords(content)) : pass(heardInWords(heard));
    },
  };
}

async function servesOthers(probe: Probe): Promise<Outcome> {
  const wire = await probe.open();
  await wire.send(Buffer.from("broken"));
  await wire.hear(1, probe.subject.waitMs);
  // A server may serve one client at a time.
  wire.close();
  const other = await probe.open();
  await other.post(probe.package([probe.to]), 1);
  return answered(await other.hear(1));
}
