import type { Message } from "../protocol/package.ts";

const HEADER = "Subject: qmtp bench\n\n";
const LINE = `${"x".repeat(71)}\n`;

/** A message of this many bytes: a short header, if there is room for it, and lines. */
export function messageOfLength(length: number): Message {
  const header = length >= HEADER.length ? HEADER : "";
  const lines = LINE.repeat(Math.ceil((length - header.length) / LINE.length));
  const text = Buffer.from((header + lines).slice(0, length));
  if (text.length > 0) text[text.length - 1] = 0x0a;
  return messageOf([text]);
}

/** A message in memory, which is sent again and again. */
export function messageOf(chunks: readonly Buffer[]): Message {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return { encoding: "unix", length, chunks: () => chunks };
}
