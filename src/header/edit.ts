import type { Header } from "./header.ts";

/** Who gets blind copies is for nobody's eyes. */
export const BLIND = ["bcc", "resent-bcc"];

const LF = 0x0a;

/** The header's bytes without all fields of these names; every other byte stays as it was. */
export function withoutFields({ bytes, fields }: Header, names: readonly string[]): Buffer {
  const kept = fields.filter(({ name }) => !names.includes(name));
  if (kept.length === fields.length) return bytes;
  const behind = fields.at(-1)?.end;
  return Buffer.concat([...kept.map(({ start, end }) => bytes.subarray(start, end)), bytes.subarray(behind)]);
}

/** A header that an empty line ends, whatever the one was that these bytes are from, with lines added at its top. */
export function completed({ separated }: Header, bytes: Buffer, lines: readonly string[]): Buffer {
  const cut = bytes.length > 0 && bytes.at(-1) !== LF;
  const added = lines.map((line) => `${line}\n`).join("");
  return Buffer.concat([
    Buffer.from(added),
    bytes,
    Buffer.from(`${cut ? "\n" : ""}${separated ? "" : "\n"}`),
  ]);
}
