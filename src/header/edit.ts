import type { Header } from "./header.ts";

/** Fields with the recipients of blind copies, which other recipients must not see. */
export const BLIND = ["bcc", "resent-bcc"];

const LF = 0x0a;

/** The header's bytes without the named fields; every other byte is kept. */
export function withoutFields({ bytes, fields }: Header, names: readonly string[]): Buffer {
  const kept = fields.filter(({ name }) => !names.includes(name));
  if (kept.length === fields.length) return bytes;
  const fieldsEnd = fields.at(-1)?.end;
  return Buffer.concat([
    ...kept.map(({ start, end }) => bytes.subarray(start, end)),
    bytes.subarray(fieldsEnd),
  ]);
}

/** Adds lines at the top of a header, and an empty line at its end if it has none. */
export function completeHeader({ separated }: Header, bytes: Buffer, lines: readonly string[]): Buffer {
  const cut = bytes.length > 0 && bytes.at(-1) !== LF;
  const added = lines.map((line) => `${line}\n`).join("");
  return Buffer.concat([
    Buffer.from(added),
    bytes,
    Buffer.from(`${cut ? "\n" : ""}${separated ? "" : "\n"}`),
  ]);
}
