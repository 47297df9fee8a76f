import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineEndConverter, LineEndCounter } from "../../src/message/line-ends.ts";
import type { Encoding } from "../../src/protocol/package.ts";

/** As plain as possible, for comparison. */
function normalised(text: string, encoding: Encoding): string {
  const unix = text.replaceAll("\r\n", "\n");
  return encoding === "unix" ? unix : unix.replaceAll("\n", "\r\n");
}

function convert(chunks: readonly Buffer[], encoding: Encoding): string {
  const converter = new LineEndConverter(encoding);
  const pieces = chunks.map((chunk) => Buffer.from(converter.convert(chunk)));
  return Buffer.concat([...pieces, converter.end()]).toString("latin1");
}

function countedChange(chunks: readonly Buffer[], encoding: Encoding): number {
  const counter = new LineEndCounter(encoding);
  for (const chunk of chunks) counter.add(chunk);
  return counter.change;
}

function cut(text: string, cuts: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  const places = [0, ...cuts.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

describe.each([
  ["a CRLF text", "one\r\ntwo\r\n", "one\ntwo\n", "one\r\ntwo\r\n"],
  ["an LF text", "one\ntwo\n", "one\ntwo\n", "one\r\ntwo\r\n"],
  ["a mixed text", "one\r\ntwo\nthree", "one\ntwo\nthree", "one\r\ntwo\r\nthree"],
  ["a lone CR, which is data", "a\rb\n", "a\rb\n", "a\rb\r\n"],
  ["a CR before a CRLF", "a\r\r\n", "a\r\n", "a\r\r\n"],
  ["a CR at the end", "a\n\r", "a\n\r", "a\r\n\r"],
  ["only line ends", "\r\n\n\r\n\r", "\n\n\n\r", "\r\n\r\n\r\n\r"],
  ["an empty text", "", "", ""],
])("%s", (_, text, unix, dos) => {
  test("is converted as expected, wherever it is cut", () => {
    for (let at = 0; at <= text.length; at++) {
      expect(convert(cut(text, [at]), "unix")).toBe(unix);
      expect(convert(cut(text, [at]), "dos")).toBe(dos);
    }
  });
});

const text = fc
  .array(fc.constantFrom("\r", "\n", "\r\n", "a", "bcdef", "\xff", "\x00"), { maxLength: 60 })
  .map((parts) => parts.join(""));
const cuts = fc.array(fc.nat(1_000), { maxLength: 6 });
const encoding = fc.constantFrom<Encoding>("unix", "dos");

test("any text in any cutting is normalised, with its length known beforehand", () => {
  fc.assert(
    fc.property(text, cuts, encoding, (input, places, target) => {
      const expected = normalised(input, target);
      expect(convert(cut(input, places), target)).toBe(expected);
      expect(countedChange(cut(input, places), target)).toBe(expected.length - input.length);
    }),
    { numRuns: 500 },
  );
});

test("normalising twice changes nothing", () => {
  fc.assert(
    fc.property(text, encoding, (input, target) => {
      // A CR before a CRLF is data, but looks like part of the line end once that has lost its own CR.
      fc.pre(!input.includes("\r\r\n"));
      const once = convert([Buffer.from(input, "latin1")], target);
      expect(convert([Buffer.from(once, "latin1")], target)).toBe(once);
    }),
  );
});

test("a text without CRs is passed on unchanged, not copied", () => {
  const bytes = Buffer.from("one\ntwo\n");
  const { buffer, byteOffset, length } = new LineEndConverter("unix").convert(bytes);
  expect([buffer, byteOffset, length]).toEqual([bytes.buffer, bytes.byteOffset, bytes.length]);
  expect(buffer).toBe(bytes.buffer);
});
