import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeResponse, type Response, ResponseReader } from "../../src/protocol/response.ts";
import { readEveryWay } from "./cuts.ts";
import { RESPONSES_WIRE } from "./qmtp-examples.ts";

const read = (input: string | Buffer) => readEveryWay(() => new ResponseReader(), Buffer.from(input));
const response = (status: Response["status"], text: string) => ({ status, text: Buffer.from(text) });

test("the responses of section 8 are understood", () => {
  expect(read(RESPONSES_WIRE)).toEqual({
    values: [
      response("success", "ok 838640135 qp 1390"),
      response("success", "ok 838640135 qp 1391"),
      response("success", "ok 838640135 qp 1391"),
    ],
    violation: null,
  });
});

test("each status has its letter, and the text is any bytes", () => {
  const wire = Buffer.concat([Buffer.from("1:K,4:Z"), Buffer.of(0x00, 0xff, 0x2c), Buffer.from(",3:Dno,")]);
  expect(read(wire).values).toEqual([
    response("success", ""),
    { status: "deferral", text: Buffer.of(0x00, 0xff, 0x2c) },
    response("failure", "no"),
  ]);
});

describe("an invalid response", () => {
  test.each([
    ["a leading zero", "03:Kok,", "bad-length", 1],
    ["two zeros", "00:,", "bad-length", 1],
    ["no digit", ":K,", "bad-length", 0],
    ["a letter in the length", "1x:K,", "bad-length", 1],
    ["a sign", "-1:K,", "bad-length", 0],
    ["a space", " 1:K,", "bad-length", 0],
    ["a wrong final byte", "3:Kok;", "missing-comma", 5],
    ["text longer than announced", "3:Kokay,", "missing-comma", 5],
    ["no content", "0:,", "empty-response", 2],
    ["an unknown first byte", "3:xok,", "unknown-status", 2],
    ["a small letter", "3:kok,", "unknown-status", 2],
    ["more than 64 KiB", "65537:", "length-over-cap", 4],
    ["eleven digits", "12345678901:", "length-over-cap", 5],
  ])("%s is a violation, with its place", (_, wire, code, offset) => {
    expect(read(wire)).toEqual({ values: [], violation: { code, offset } });
    // After a good response, all offsets shift by its length; what follows changes nothing.
    const after = read(`3:Kok,${wire}1:K,`);
    expect(after).toEqual({ values: [response("success", "ok")], violation: { code, offset: offset + 6 } });
  });
});

test("an incomplete response is no response, wherever it ends", () => {
  const wire = "3:Zno,5:Khelp,";
  for (let length = 0; length < wire.length; length++) {
    const { values, violation } = read(wire.slice(0, length));
    expect(values.length).toBe(length < 6 ? 0 : 1);
    expect(violation).toBeNull();
  }
});

test("64 KiB are read, whole and in pieces", () => {
  const text = Buffer.alloc(65_535, "x");
  const reader = new ResponseReader();
  const wire = Buffer.concat([Buffer.from("65536:K"), text, Buffer.from(",")]);
  for (let at = 0; at < wire.length; at += 1_000) {
    reader.push(wire.subarray(at, at + 1_000));
    if (at + 1_000 < wire.length) expect(reader.next()).toBeUndefined();
  }
  expect(reader.next()).toEqual({ status: "success", text });
});

test("the reader reports whether it is inside a response, and how much it has read", () => {
  const reader = new ResponseReader();
  expect([reader.begun, reader.offset]).toEqual([false, 0]);
  for (const [at, byte] of [..."3:Kok,1:Z,"].entries()) {
    reader.push(Buffer.from(byte));
    reader.next();
    expect([reader.begun, reader.offset]).toEqual([at !== 5 && at !== 9, at + 1]);
  }
});

test("equal responses in a row share one value, others do not", () => {
  const reader = new ResponseReader();
  reader.push(Buffer.from("3:Kok,3:Kok,3:Zok,3:Kok,"));
  const [one, two, three, four] = [reader.next(), reader.next(), reader.next(), reader.next()];
  expect(one).toBe(two);
  expect([three, four]).toEqual([response("deferral", "ok"), response("success", "ok")]);
});

test("a declared length takes no memory before it is within the cap", () => {
  const before = process.memoryUsage().arrayBuffers;
  const readers = Array.from({ length: 1_000 }, () => new ResponseReader());
  for (const reader of readers) {
    reader.push(Buffer.from("9999999999:K"));
    expect(() => reader.next()).toThrow("over the maximum of 65536 bytes");
  }
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1_000_000);
});

test("a chunk that was not read to its end is not dropped silently", () => {
  const reader = new ResponseReader();
  reader.push(Buffer.from("1:K,1:Z,"));
  reader.next();
  expect(() => reader.push(Buffer.from("1:D,"))).toThrow(RangeError);
});

test("statuses and texts are read as written, however the stream is cut", () => {
  const responses = fc.array(
    fc.record({
      letter: fc.constantFrom("K", "Z", "D"),
      text: fc.uint8Array({ maxLength: 300 }),
    }),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(responses, fc.array(fc.nat(400), { maxLength: 8 }), (list, cuts) => {
      const wire = Buffer.concat(
        list.map(({ letter, text }) =>
          Buffer.concat([Buffer.from(`${text.length + 1}:${letter}`), text, Buffer.from(",")]),
        ),
      );
      const reader = new ResponseReader();
      const values: Response[] = [];
      const places = [0, ...cuts.map((cut) => Math.min(cut, wire.length)).sort((a, b) => a - b), wire.length];
      for (const [index, from] of places.slice(0, -1).entries()) {
        reader.push(wire.subarray(from, places[index + 1]));
        for (let value = reader.next(); value !== undefined; value = reader.next()) values.push(value);
      }
      const letters = { success: "K", deferral: "Z", failure: "D" };
      expect(values.map(({ status, text }) => [letters[status], [...text]])).toEqual(
        list.map(({ letter, text }) => [letter, [...text]]),
      );
    }),
  );
});

test("responses are written as in section 5", () => {
  expect(encodeResponse(response("success", "ok 838640135 qp 1390")).toString()).toBe(
    "21:Kok 838640135 qp 1390,",
  );
  expect(encodeResponse(response("deferral", "")).toString()).toBe("1:Z,");
  expect(encodeResponse(response("failure", "ü")).toString("latin1")).toBe("3:D\xc3\xbc,");
});
