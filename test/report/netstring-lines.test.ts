import { describe, expect, test } from "vitest";
import { NetstringLines } from "../../src/report/netstring-lines.ts";

/** The lines for bytes that arrive in these chunks; the last one is what did not end. */
function linesFor(...chunks: string[]): string[] {
  const lines = new NetstringLines();
  const found = chunks.flatMap((chunk) => [...lines.split(Buffer.from(chunk, "latin1"))]);
  return [...found, ...lines.flush()].map((line) => line.toString("latin1"));
}

describe("a line for the transcript is", () => {
  test.each<[string, string[], string[]]>([
    ["a netstring", ["3:Kok,"], ["3:Kok,"]],
    ["each of several in a chunk", ["3:Kok,0:,5:Zwait,"], ["3:Kok,", "0:,", "5:Zwait,"]],
    ["one in several chunks", ["1", "2:Khello ", "there", ",3:Kok,"], ["12:Khello there,", "3:Kok,"]],
    ["one with line feeds and commas", ["7:Ka\n,b\n,,"], ["7:Ka\n,b\n,,"]],
    ["what is left at the end", ["3:Kok,21:Kok 8386"], ["3:Kok,", "21:Kok 8386"]],
    ["each line of what is no netstring", ["220 mx\r\n250 ok\r\n"], ["220 mx\r\n", "250 ok\r\n"]],
    ["what arrives together of what is no netstring", ["SSH-2", ".0"], ["SSH-2", ".0"]],
    ["a netstring without its comma, with what follows", ["3:Kok;3:Kok,"], ["3:Kok;3:Kok,"]],
    ["a netstring before what is none", ["3:Kok,x", "3:Kok,"], ["3:Kok,", "x", "3:Kok,"]],
  ])("%s", (_what, chunks, expected) => {
    expect(linesFor(...chunks)).toEqual(expected);
    const bytes = chunks.join("");
    expect(linesFor(...bytes).join("")).toBe(bytes);
  });
});

test("a netstring without end is cut into lines, and no byte is lost", () => {
  const chunk = "x".repeat(50_000);
  const found = linesFor("9999999999:", chunk, chunk, chunk);
  expect(found.map(({ length }) => length)).toEqual([65_536, 65_536, 18_939]);
  expect(found.join("")).toBe(`9999999999:${chunk.repeat(3)}`);
});

test("after a reset, a stream begins anew", () => {
  const lines = new NetstringLines();
  expect([...lines.split(Buffer.from("220 mx"))]).toHaveLength(1);
  expect([...lines.split(Buffer.from("9"))]).toHaveLength(1);
  lines.reset();
  expect([...lines.split(Buffer.from("3:Kok,3:K"))].map(String)).toEqual(["3:Kok,"]);
  expect(lines.begun).toBe(true);
});
