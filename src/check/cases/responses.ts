import { encodeNetstring } from "../../protocol/netstring.ts";
import type { Level, ResponseCase } from "../case.ts";
import { type Evidence, fail, type Outcome, pass, unclear } from "../outcome.ts";
import { inWords, type Seen } from "../seen.ts";

const SHOWN = "clients must make the server's texts safe before they print them";

/** An HCMSSC code (RFC 1893), as #5.7.1 is one. */
const CODE = /#[245]\.\d{1,3}\.\d{1,3}/g;

/** Section 5: the form of responses. Every response of the run is looked at. */
export const RESPONSE_CASES: readonly ResponseCase[] = [
  {
    ...about("length", "must", "The length of a response is right."),
    expected: "length, colon, as many bytes, comma",
    advice: "clients lose every response after the first: one connection and one recipient per message",
    judge: (seen) => {
      const one = seen.find(({ broken }) => broken !== undefined);
      if (one?.broken === undefined) return allRight(seen);
      return { ...fail(brokenInWords(one.broken)), bytes: received(one.broken.bytes) };
    },
  },
  {
    ...about("not-empty", "must", "A response is not empty."),
    expected: "a first byte",
    advice: "clients must take an empty response for a deferral",
    judge: (seen) => each(seen, (content) => content.length > 0),
  },
  {
    ...about("status", "must", "A response begins with K, Z or D."),
    expected: "K, Z or D",
    advice: "clients must take an unknown status for a deferral",
    judge: (seen) =>
      each(seen, ([first]) => first === undefined || "KZD".includes(String.fromCharCode(first))),
  },
  {
    ...about("no-leading-blank", "must", "A description does not begin with a blank, which is reserved."),
    expected: "another byte",
    advice: "clients must not take a blank for the sign of an extension",
    judge: (seen) => eachText(seen, (text) => !text.startsWith(" ")),
  },
  {
    ...about("hash", "must", "# is in a description only where it begins an HCMSSC code."),
    expected: "#, class, subject and detail, as in #5.7.1; or no #",
    advice: "clients must not take every # for the beginning of a code",
    judge: (seen) =>
      eachText(seen, (text) => text.startsWith(" ") || !text.replaceAll(CODE, "").includes("#")),
  },
  {
    ...about("utf-8", "should", "A description is UTF-8."),
    expected: "UTF-8",
    advice: SHOWN,
    judge: (seen) => each(seen, (content) => Buffer.from(content.toString("utf8")).equals(content)),
  },
  {
    ...about("no-control", "should", "A description contains no control characters."),
    expected: "no formatting but blanks",
    advice: SHOWN,
    judge: (seen) => eachText(seen, (text) => !/[\x00-\x1f\x7f\x80-\x9f]/.test(text)),
  },
  {
    ...about("no-recipient", "should", "A description does not repeat the recipient."),
    expected: "no recipient",
    advice: "clients that print the recipient before the text show it twice",
    judge: (seen) =>
      each(seen, (content, { recipients }) =>
        recipients.every((recipient) => recipient.length === 0 || !content.includes(recipient)),
      ),
  },
];

function about(slug: string, level: Level, requirement: string) {
  return { id: `5/${slug}`, level, requirement, needs: ["to"], sent: "the packages of all cases" } as const;
}

function each(seen: readonly Seen[], isRight: (content: Buffer, one: Seen) => boolean): Outcome {
  const wrong = seen.find((one) => one.content !== undefined && !isRight(one.content, one));
  if (wrong?.content === undefined) return allRight(seen);
  const got = `${inWords(wrong.content)} (in ${wrong.caseId})`;
  return { ...fail(got), bytes: received(encodeNetstring(wrong.content)) };
}

function received(bytes: Buffer): Evidence {
  return { sent: Buffer.alloc(0), received: bytes };
}

/** Text without the status, decoded. */
function eachText(seen: readonly Seen[], isRight: (text: string) => boolean): Outcome {
  return each(seen, (content) => isRight(content.subarray(1).toString("utf8")));
}

function allRight(seen: readonly Seen[]): Outcome {
  const count = seen.filter(({ content }) => content !== undefined).length;
  if (count === 0) return unclear("no response came");
  return pass(count === 1 ? "1 response" : `${count} responses`);
}

/** A length that is wrong by one shows in the comma beside its place. */
function brokenInWords({ message, bytes }: NonNullable<Seen["broken"]>): string {
  const off = offByOne(bytes);
  return off === undefined ? message : `${off}: off by one`;
}

/** Reads as far as the lengths are right. */
function offByOne(bytes: Buffer): string | undefined {
  for (let at = 0; ; ) {
    const colon = bytes.indexOf(":", at);
    const digits = bytes.toString("latin1", at, colon);
    if (colon === -1 || !/^(0|[1-9]\d{0,5})$/.test(digits)) return undefined;
    const end = colon + 1 + Number(digits);
    if (bytes[end] !== 0x2c) {
      const [before, after] = [bytes[end - 1] === 0x2c, bytes[end + 1] === 0x2c];
      if (after) return `a length of ${digits}, and ${Number(digits) + 1} bytes before the comma`;
      return before ? `a length of ${digits}, and ${Number(digits) - 1} bytes before the comma` : undefined;
    }
    at = end + 1;
  }
}
