import { describe, expect, test } from "vitest";
import { BLIND, completeHeader, withoutFields } from "../../src/header/edit.ts";
import { beginsWithField, type Header, splitHeader } from "../../src/header/header.ts";

const MIB = 1024 * 1024;

/** The chunks of a stream that reuses its buffer for each, as a file's does. */
async function* overwritten(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  for (const chunk of chunks) {
    const reused = Buffer.from(chunk);
    yield reused;
    reused.fill("!");
  }
}

async function split(chunks: readonly Buffer[]) {
  const { header, rest } = await splitHeader(overwritten(chunks));
  const body: string[] = [];
  for await (const chunk of rest) body.push(chunk.toString("latin1"));
  const texts = header.fields.map((field) => ({
    name: field.name,
    value: header.bytes.toString("latin1", field.value, field.end),
  }));
  return {
    header: header.bytes.toString("latin1"),
    fields: texts,
    separated: header.separated,
    rest: body.join(""),
  };
}

/** The result, however the message is cut: whole, byte by byte, in two at every offset. */
async function splitEveryWay(message: string) {
  const bytes = Buffer.from(message, "latin1");
  const whole = await split([bytes]);
  expect(whole.header + whole.rest).toBe(message);
  expect(await split(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole);
  for (let at = 0; at <= bytes.length; at++) {
    expect(await split([bytes.subarray(0, at), bytes.subarray(at)]), `cut at ${at}`).toEqual(whole);
  }
  return whole;
}

describe("a message is split at the end of its header", () => {
  test.each<[what: string, header: string, rest: string, names: string[], separated: boolean]>([
    ["at an empty line", "To: a\nSubject: b\n\n", "body\n\nTo: c\n", ["to", "subject"], true],
    ["at an empty line that ends with CRLF", "To: a\r\n\r\n", "body\r\n", ["to"], true],
    ["after folded lines", "To: a,\n b,\n\tc\nCc: d\n\n", "e", ["to", "cc"], true],
    [
      "after fields with odd names, before a line without one",
      "X-9.!: a\nBcc : b\n",
      ":\n\nc",
      ["x-9.!", "bcc"],
      false,
    ],
    ["before a line that is not a field", "To: a\n", "hello\nBcc: b\n", ["to"], false],
    ["before a line whose name has a space", "To: a\n", "see this: b\n", ["to"], false],
    ["before the first line if that is not a field", "", "hello\n\nworld", [], false],
    ["before a first line that begins with a space", "", " To: a\n\nb", [], false],
    ["at an empty first line", "\n", "To: a\n", [], true],
    ["at the end without a body", "To: a\nCc: b\n", "", ["to", "cc"], false],
    ["at the end, in an unterminated line", "To: a\nCc: b", "", ["to", "cc"], false],
    ["at the end of an empty message", "", "", [], false],
    ["before a CR that is not a line end", "To: a\n", "\r", ["to"], false],
    ["after an mbox From line", "From a@x 1\nTo: a\n\n", "b", ["from ", "to"], true],
    ["after a quoted From line", ">From a@x 1\nTo: a\n\n", "b", ["from ", "to"], true],
  ])("%s", async (_what, header, rest, names, separated) => {
    const result = await splitEveryWay(header + rest);
    expect(result).toMatchObject({ header, rest, separated });
    expect(result.fields.map(({ name }) => name)).toEqual(names);
  });

  test("and each field has its value, with all its lines", async () => {
    const { fields } = await splitEveryWay("TO:a,\r\n b\r\nSubject :  c\r\n\r\nd");
    expect(fields).toEqual([
      { name: "to", value: "a,\r\n b\r\n" },
      { name: "subject", value: "  c\r\n" },
    ]);
  });

  test("a line of 12 MiB that is not a field belongs to the body", async () => {
    const line = Buffer.alloc(12 * MIB, "x");
    const { header, rest } = await split([Buffer.from("To: a\n"), line.subarray(0, 5), line.subarray(5)]);
    expect([header, rest.length]).toEqual(["To: a\n", line.length]);
  });

  test("a field of 7 MiB is a field", async () => {
    const value = "y".repeat(7 * MIB);
    const { fields, rest } = await split([Buffer.from(`X: ${value}\n`), Buffer.from("\nbody")]);
    expect([fields[0]?.value.length, rest]).toEqual([value.length + 2, "body"]);
  });

  test.each([64 * 1024, 9 * MIB])("a header over 8 MiB is refused, in chunks of %i bytes", async (size) => {
    const bytes = Buffer.concat([Buffer.from("X: "), Buffer.alloc(9 * MIB, "y"), Buffer.from("\n\nbody")]);
    const chunks: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
    await expect(split(chunks)).rejects.toMatchObject({
      code: "bad-header",
      message: "the message's header is longer than 8388608 bytes; is it a message?",
    });
  });
});

async function headerOf(text: string): Promise<Header> {
  return (await splitHeader(overwritten([Buffer.from(text, "latin1")]))).header;
}

describe("fields are removed", () => {
  const without = async (text: string) => withoutFields(await headerOf(text), BLIND).toString("latin1");

  test.each([
    ["with all their lines", "To: a\nBcc: b,\n c,\n\td\nCc: e\n\n", "To: a\nCc: e\n\n"],
    ["whatever the case of their names", "BCC: a\nbCC : b\nTo: c\n\n", "To: c\n\n"],
    ["first, last and in between", "Bcc: a\nTo: b\nBcc: c\nCc: d\nBcc: e\n\n", "To: b\nCc: d\n\n"],
    ["including Resent- fields", "Resent-Bcc: a\nResent-To: b\nBcc: c\n\n", "Resent-To: b\n\n"],
    ["if nothing follows", "To: a\nBcc: b", "To: a\n"],
    ["if there is nothing else", "Bcc: a\n\n", "\n"],
    [
      "but not those with other names",
      "X-Bcc: a\nBccs: b\nTo: Bcc: c\n\n",
      "X-Bcc: a\nBccs: b\nTo: Bcc: c\n\n",
    ],
  ])("%s", async (_what, text, expected) => {
    expect(await without(text)).toBe(expected);
  });

  test("and every other byte is kept", async () => {
    const odd = "Subject: \xff\xfe\x80\x00 \r a\r\nX-A:\x01\n \x02\n";
    expect(await without(`${odd}Bcc: a\n${odd}\n`)).toBe(`${odd}${odd}\n`);
  });
});

describe("a header is completeHeader", () => {
  const complete = async (text: string) => {
    const header = await headerOf(text);
    return completeHeader(header, header.bytes, ["Date: d", "From: f"]).toString("latin1");
  };

  test.each([
    ["before its own fields", "To: a\n\n", "Date: d\nFrom: f\nTo: a\n\n"],
    ["with an empty line if there is none", "To: a\n", "Date: d\nFrom: f\nTo: a\n\n"],
    ["with the end of its last line too", "To: a", "Date: d\nFrom: f\nTo: a\n\n"],
    ["if there is none", "", "Date: d\nFrom: f\n\n"],
    ["if it is just an empty line", "\n", "Date: d\nFrom: f\n\n"],
  ])("%s", async (_what, text, expected) => {
    expect(await complete(text)).toBe(expected);
  });
});

test.each([
  ["Subject: hi\n\nhi\n", true],
  ["X-One \t: 1", true],
  ["From joe Mon Nov 30 10:00:00 2026\nSubject: hi\n", true],
  [">From joe\n", true],
  ["hi\n", false],
  ["\nSubject: hi\n", false],
  [" Subject: hi\n", false],
  ["see here: no field\n", false],
  ["no field\nSubject: hi\n", false],
  ["\xef\xbb\xbfSubject: hi\n", false],
  [`${"x".repeat(10_000)}: no field`, false],
])("whether a message begins with a field: %j", (message, expected) => {
  expect(beginsWithField(Buffer.from(message, "latin1"))).toBe(expected);
});
