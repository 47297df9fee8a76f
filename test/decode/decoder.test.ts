import { describe, expect, test } from "vitest";
import { EXAMPLES } from "../protocol/qmtp-examples.ts";
import { netstring, wirePackage } from "../support/wire.ts";
import { type Decoded, decode, only } from "./support.ts";

const latin1 = (text: string) => Buffer.from(text, "latin1");

/** The stream whole and byte by byte, which must make no difference. */
function decoded(stream: string | Buffer, options: Parameters<typeof decode>[1] = {}): Decoded {
  const bytes = typeof stream === "string" ? latin1(stream) : stream;
  const whole = decode([bytes], options);
  const single = decode(
    Array.from(bytes, (byte) => Buffer.of(byte)),
    options,
  );
  expect(single).toEqual(whole);
  return whole;
}

describe("a package", () => {
  test("is taken apart, with the offset of each part", () => {
    const { events, totals } = decoded("4:\nhi\n,3:a@x,12:3:b@y,3:c@y,,");
    expect(events).toEqual([
      { type: "message", offset: 0, package: 1, encoding: "unix", length: 3 },
      { type: "data", bytes: "hi\n" },
      { type: "body", offset: 3, package: 1, length: 3, start: "hi\n" },
      { type: "sender", offset: 7, package: 1, address: "a@x" },
      { type: "list", offset: 13, package: 1, length: 12 },
      { type: "recipient", offset: 16, package: 1, address: "b@y" },
      { type: "recipient", offset: 22, package: 1, address: "c@y" },
      { type: "end", offset: 28, package: 1, length: 29, recipients: 2 },
    ]);
    expect(totals).toEqual({
      direction: "packages",
      bytes: 29,
      packages: 1,
      recipients: 2,
      messageBytes: 3,
      success: 0,
      deferral: 0,
      failure: 0,
      violations: 0,
    });
  });

  test.each(EXAMPLES)("of section 8, encoding $encoding, is in order", ({ wire, message, recipients }) => {
    const { events, totals } = decoded(wire.repeat(2));
    expect(totals).toMatchObject({ packages: 2, recipients: 2 * recipients.length, violations: 0 });
    expect(only({ events, totals }, "data").map(({ bytes }) => bytes)).toEqual([message, message]);
  });
});

test("responses are listed, and counted by their status", () => {
  const { events, totals } = decoded("3:Kok,1:Z,8:Dno such,");
  expect(events).toEqual([
    { type: "response", offset: 0, number: 1, status: "success", text: "ok" },
    { type: "response", offset: 6, number: 2, status: "deferral", text: "" },
    { type: "response", offset: 10, number: 3, status: "failure", text: "no such" },
  ]);
  expect(totals).toMatchObject({ direction: "responses", success: 1, deferral: 1, failure: 1, bytes: 21 });
});

test("nothing has no direction and no violation", () => {
  expect(decoded("")).toMatchObject({ events: [], totals: { direction: null, violations: 0 } });
});

test("the direction can be given, whatever the first bytes are", () => {
  const packages = decoded("3:Kok,", { direction: "packages" });
  expect(only(packages, "violation")).toMatchObject([
    { offset: 2, code: "unknown-encoding", cause: "this is a response: these are responses, not packages" },
  ]);
  const responses = decoded("4:\nhi\n,3:a@x,6:3:b@y,,", { direction: "responses" });
  expect(only(responses, "violation")[0]).toMatchObject({
    offset: 2,
    code: "unknown-status",
    cause: "this is a message: these are packages, not responses",
  });
});

const GOOD = "4:\nhi\n,3:a@x,6:3:b@y,,";

/** What is wrong with the first package; then a good one follows, which must be found. */
const DAMAGED: ReadonlyArray<
  [name: string, stream: string, violation: object, recovery: object, totals?: object]
> = [
  [
    "a message whose length does not count the encoding",
    "3:\nhi\n,3:a@x,6:3:b@y,,",
    { offset: 5, code: "missing-comma", expected: "',' after the 3 bytes of the message", found: "\n" },
    {
      offset: 6,
      cause:
        "off by one: the length says 3, 4 bytes come before the comma; the byte that names the encoding counts, too",
    },
  ],
  [
    "a message that was counted before LF became CRLF",
    `68:\n${"x".repeat(64)}\r\nb\r\n,3:a@x,6:3:b@y,,`,
    { offset: 71, code: "missing-comma" },
    {
      offset: 73,
      cause:
        "off by 2: the length says 68, 70 bytes come before the comma; as many as lines: they were counted with LF and sent with CRLF",
    },
  ],
  [
    "a message that was counted with CRLF and sent with LF",
    "8:\na\nb\nc\n,3:a@x,6:3:b@y,,".replace("8", "10"),
    { offset: 13, code: "missing-comma" },
    {
      offset: 10,
      skipped: -3,
      cause:
        "off by 3: the length says 10, 7 bytes come before the comma; as many as lines: they were counted with CRLF and sent with LF",
    },
  ],
  [
    "a leading zero",
    "04:\nhi\n,3:a@x,6:3:b@y,,",
    {
      offset: 1,
      code: "bad-length",
      cause: "leading zero",
      expected: "':' after the 0: lengths have no leading zeros",
    },
    { offset: 1, at: "a package", skipped: 0 },
    { packages: 2, recipients: 2 },
  ],
  [
    "a missing encoding",
    "3:hi\n,3:a@x,6:3:b@y,,",
    { offset: 2, code: "unknown-encoding", cause: "the byte that names the encoding is missing" },
    { offset: 5, at: "the comma after the message" },
  ],
  [
    "an empty message without an encoding",
    "0:,3:a@x,6:3:b@y,,",
    { offset: 2, code: "unknown-encoding" },
    { offset: 2, at: "the comma after the message" },
  ],
  [
    "a sender whose length is too great",
    "4:\nhi\n,4:a@x,6:3:b@y,,",
    { offset: 13, code: "missing-comma", expected: "',' after the 4 bytes of the sender" },
    { offset: 12, cause: "off by one: the length says 4, 3 bytes come before the comma" },
  ],
  [
    "a sender's leading zero",
    "4:\nhi\n,03:a@x,6:3:b@y,,",
    { offset: 8, code: "bad-length", cause: "leading zero" },
    { offset: 13, at: "the comma after the sender" },
  ],
  [
    "a recipient whose length is too small",
    "4:\nhi\n,3:a@x,6:2:b@y,,",
    { offset: 19, code: "missing-comma", expected: "',' after the 2 bytes of the recipient" },
    { offset: 20, cause: "off by one: the length says 2, 3 bytes come before the comma" },
  ],
  [
    "a list whose length is too great",
    "4:\nhi\n,3:a@x,7:3:b@y,,",
    {
      offset: 21,
      code: "bad-length",
      cause: "the list of recipients is shorter than its length says",
      expected: "a digit, which begins the length of a recipient",
    },
    { offset: 21, cause: "the list's length says 7, its recipients take 6 bytes" },
  ],
  [
    "a list that ends within a recipient",
    "4:\nhi\n,3:a@x,5:3:b@y,,",
    { offset: 20, code: "recipients-overrun", found: "" },
    { offset: 15, cause: "the list's length says 5, its recipients take 6 bytes" },
  ],
  [
    "a list that ends before its last recipient",
    "4:\nhi\n,3:a@x,6:3:b@y,3:c@y,,",
    { offset: 21, code: "missing-comma", expected: "',' after the 6 bytes of the list of recipients" },
    { offset: 21, cause: "the list's length says 6, its recipients take 12 bytes" },
  ],
  [
    "an empty list",
    "4:\nhi\n,3:a@x,0:,",
    { offset: 14, code: "no-recipients" },
    { offset: 15, at: "the comma after the list of recipients" },
  ],
  [
    "a list with a leading zero",
    "4:\nhi\n,3:a@x,06:3:b@y,,",
    { offset: 14, code: "bad-length" },
    { offset: 21, at: "the comma after a recipient" },
  ],
  [
    "a line break before a package",
    "\n",
    {
      offset: 0,
      code: "bad-length",
      cause: "a line break where a netstring begins: there is nothing between netstrings",
    },
    { offset: 1, at: "a package" },
  ],
  [
    "a sender of more bytes than can be",
    "4:\nhi\n,65537:a@x,6:3:b@y,,",
    { offset: 11, code: "length-over-cap", expected: "a shorter sender" },
    { offset: 16, at: "the comma after the sender" },
  ],
];

describe("after a violation, reading goes on", () => {
  test.each(DAMAGED)("%s", (_name, stream, violation, recovery, totals) => {
    const result = decoded(stream + GOOD);
    expect(only(result, "violation")).toMatchObject([violation]);
    expect(only(result, "recovery", "stop")).toMatchObject([{ type: "recovery", ...recovery }]);
    expect(only(result, "end").at(-1)).toMatchObject({ offset: stream.length + 21, length: 22 });
    expect(result.totals).toMatchObject({ packages: 1, recipients: 1, violations: 1, ...totals });
    const brief = decoded(stream + GOOD, { parts: false });
    expect(brief.totals).toEqual(result.totals);
  });

  test("the rest of the damaged package is listed, at its offsets", () => {
    const parts = only(decoded(`3:\nhi\n,3:a@x,6:3:b@y,,${GOOD}`), "sender", "list", "recipient", "end");
    expect(parts.slice(0, 4)).toEqual([
      { type: "sender", offset: 7, package: 1, address: "a@x" },
      { type: "list", offset: 13, package: 1, length: 6 },
      { type: "recipient", offset: 15, package: 1, address: "b@y" },
      { type: "end", offset: 21, package: 1, length: undefined, recipients: 1 },
    ]);
  });

  test.each([
    ["a response of another status", "2:hi,", { offset: 2, code: "unknown-status" }, { offset: 5 }],
    ["an empty response", "0:,", { offset: 2, code: "empty-response" }, { offset: 3 }],
    [
      "a response that is longer than its length says",
      "3:Kokay,",
      { offset: 5, code: "missing-comma" },
      { offset: 7, cause: "off by 2: the length says 3, 5 bytes come before the comma" },
    ],
    ["a line break between responses", "3:Kok,\n", { offset: 6, code: "bad-length" }, { offset: 7 }],
  ])("%s", (_name, stream, violation, recovery) => {
    const result = decoded(`${stream}3:Zno,3:Dno,`, { direction: "responses" });
    expect(only(result, "violation")).toMatchObject([violation]);
    expect(only(result, "recovery", "stop")).toMatchObject([{ type: "recovery", ...recovery }]);
    expect(result.totals).toMatchObject({ deferral: 1, failure: 1, violations: 1 });
  });

  test("far behind a large message, but no farther than it looks", () => {
    const damaged = (surplus: number) =>
      Buffer.concat([latin1(`3:\n${"x".repeat(surplus)}`), latin1(`,3:a@x,6:3:b@y,,${GOOD}`)]);
    const near = decode([damaged(900_000)]);
    expect(only(near, "recovery")).toMatchObject([{ offset: 900_003 }]);
    expect(near.totals).toMatchObject({ packages: 1, violations: 1 });
    const far = decode([damaged(1_100_000)]);
    expect(only(far, "recovery", "stop")).toEqual([
      {
        type: "stop",
        offset: 5,
        reason: "nowhere in the next 1048576 bytes is it certain that a netstring begins",
      },
    ]);
  });
});

test("how far back it looks does not depend on how the stream is cut", () => {
  const tail = ",3:a@x,6:3:b@y,,";
  const second = `250001:\n${"y".repeat(250_000)}${tail}`;
  for (const surplus of [1_000, 81_000, 82_000, 200_000]) {
    const stream = latin1(`${100_001 + surplus}:\n${"x".repeat(100_000)}${tail}${second}`);
    const whole = decode([stream]);
    const pieces = Array.from({ length: Math.ceil(stream.length / 50_000) }, (_, index) =>
      stream.subarray(index * 50_000, (index + 1) * 50_000),
    );
    expect(decode(pieces)).toEqual(whole);
    const [recovery] = only(whole, "recovery") as [{ skipped: number }];
    expect(recovery.skipped < 0).toBe(surplus < 81_920);
  }
});

test("packages with a line break after each are found, whatever else is wrong", () => {
  const lines = `3:\nhi\n,3:a@x,6:3:b@y,,\n${GOOD}\n`.repeat(60_000);
  const { totals } = decode([latin1(lines)], { parts: false });
  expect(totals).toMatchObject({ packages: 60_000 });
});

test("a length that leads far into later packages damages only its own", () => {
  const result = decoded(`134:\nhi\n,3:a@x,6:3:b@y,,${GOOD.repeat(10)}`);
  expect(only(result, "recovery")).toMatchObject([
    { offset: 8, cause: "off by 130: the length says 134, 4 bytes come before the comma" },
  ]);
  expect(result.totals).toMatchObject({ packages: 10, violations: 1 });
});

describe("reading stops", () => {
  test.each([
    ["220 mx.example.org ESMTP\r\n", 3, "this is SMTP: a server's greeting or reply"],
    ["EHLO example.org\r\n", 0, "this is SMTP: a client's command"],
    ["\x16\x03\x01\x02\0\x01\0\x01", 0, "this is TLS; only what is inside can be decoded"],
    ["GET / HTTP/1.1\r\n\r\n", 0, "this is HTTP"],
    ["\xd4\xc3\xb2\xa1\x02\0\x04\0", 0, "this is a capture file"],
    ["\n\r\r\n\x1c\0\0\0", 0, "this is a capture file"],
    ["\x1f\x8b\x08\0", 0, "this is compressed with gzip"],
    ["Subject: hi\n\nhello\n", 0, "this is a message as it is, not encoded"],
    ["-4:\nhi\n", 0, "a negative length"],
    ["0x4:\nhi\n", 1, "lengths are decimal"],
    ["30:4:\nhi\n,3:a@x,3:b@y,,", 3, "a netstring within a netstring: this may be QMQP"],
  ])("at what is no package: %j", (stream, offset, cause) => {
    const result = decoded(stream);
    expect(only(result, "violation")).toMatchObject([{ offset, cause }]);
    expect(only(result, "recovery", "stop")).toMatchObject([{ type: "stop" }]);
  });

  test("if the rest could begin at none of several places", () => {
    // The message's text ends like a package, but nothing begins there.
    const result = decoded("3:\nhi,3:a@x,6:3:b@y,,nothing");
    expect(only(result, "recovery", "stop")).toMatchObject([{ type: "stop" }]);
  });
});

describe("a stream that ends too early", () => {
  test.each([
    ["4", "the rest of the length of a message"],
    ["4:", "a message"],
    ["4:\nh", "2 more bytes of the message, and what comes after it"],
    ["4:\nhi\n", "',' after the message"],
    ["4:\nhi\n,3:a@", "the rest of the sender"],
    ["4:\nhi\n,3:a@x,", "the rest of the length of the list of recipients"],
    ["4:\nhi\n,3:a@x,6:3:b@", "the rest of the list of recipients"],
    ["4:\nhi\n,3:a@x,6:3:b@y,", "',' after the list of recipients"],
  ])("%j lacks %s", (stream, expected) => {
    const result = decoded(stream);
    expect(only(result, "violation")).toMatchObject([
      { code: "truncated", offset: stream.length, expected, found: "" },
    ]);
    expect(result.totals.packages).toBe(0);
  });
});

test("streams of which nothing is in order end, in time that grows with their length", () => {
  const texts = ["3:b@y,", "3:\nhi\n,3:a@x,6:3:b@y,,", "1:\n,0:,6:", ",", "1:", "9:\n,,,,,,,,,,", ",1:a,"];
  for (const text of texts) {
    const stream = latin1(`4:\nhi\n,3:a@x,7:${text.repeat(300_000 / text.length)}`);
    expect(decode([stream], { parts: false }).totals.violations, text).toBeGreaterThan(0);
  }
});

test("long responses and addresses are listed whole", () => {
  const text = "x".repeat(65_535);
  expect(only(decode([netstring(`K${text}`)]), "response")).toMatchObject([{ text }]);
  const wire = wirePackage({ message: "", sender: text });
  expect(only(decode([wire]), "sender")).toMatchObject([{ address: text }]);
});

test.each([["From joe@x Mon\n"], ["220 mx ESMTP\r\n"], ["Subject: hi\n"], ["GET / HTTP/1.1\r\n"]])(
  "%j is recognised the same wherever it is cut",
  (stream) => {
    const whole = only(decode([latin1(stream)]), "violation");
    expect(whole).toHaveLength(1);
    for (let at = 1; at < stream.length; at++) {
      const cut = decode([latin1(stream.slice(0, at)), latin1(stream.slice(at))]);
      expect(only(cut, "violation"), `after ${at} bytes`).toEqual(whole);
    }
  },
);
