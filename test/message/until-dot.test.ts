import { expect, test } from "vitest";
import { untilDot } from "../../src/message/until-dot.ts";

async function* overwritten(chunks: readonly Buffer[]): AsyncGenerator<Buffer, void> {
  for (const chunk of chunks) {
    const reused = Buffer.from(chunk);
    yield reused;
    reused.fill("!");
  }
}

async function read(chunks: readonly Buffer[]): Promise<string> {
  const pieces: string[] = [];
  for await (const piece of untilDot(overwritten(chunks))) pieces.push(piece.toString("latin1"));
  return pieces.join("");
}

test.each([
  ["a dot line in the middle", "a\nb\n.\nc\n", "a\nb\n"],
  ["a dot line with CRLF", "a\r\n.\r\nc", "a\r\n"],
  ["a dot line at the start", ".\na\n", ""],
  ["a dot line after an empty line", "a\n\n.\n", "a\n\n"],
  ["the first of two dot lines", "a\n.\n.\nb", "a\n"],
  ["a dot at the end", "a\n.", "a\n"],
  ["a dot and a CR at the end", "a\n.\r", "a\n"],
  ["a lone dot", ".", ""],
  ["the end, if lines only begin with a dot", "..\n.a\n. \n.\ra\n.\r\r\n", "..\n.a\n. \n.\ra\n.\r\r\n"],
  ["the end, if a dot ends a line", "a.\nb .\n", "a.\nb .\n"],
  ["the end of an empty input", "", ""],
])("a message goes up to %s, however it is cut", async (_what, input, expected) => {
  const bytes = Buffer.from(input, "latin1");
  expect(await read([bytes])).toBe(expected);
  expect(await read(Array.from(bytes, (byte) => Buffer.of(byte)))).toBe(expected);
  for (let at = 0; at <= bytes.length; at++) {
    expect(await read([bytes.subarray(0, at), Buffer.alloc(0), bytes.subarray(at)]), `${at}`).toBe(expected);
  }
});

test("nothing is read after the dot line", async () => {
  async function* waiting(): AsyncGenerator<Buffer, void> {
    yield Buffer.from("a\n.\n");
    throw new Error("read on");
  }
  const pieces: string[] = [];
  for await (const piece of untilDot(waiting())) pieces.push(piece.toString());
  expect(pieces.join("")).toBe("a\n");
});
