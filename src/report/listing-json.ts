import type { DecodeEvent, Totals } from "../decode/events.ts";
import { field, toJson } from "./json.ts";
import type { WrittenFile } from "./listing.ts";

/** An event as one line of JSON; none for bytes of a message. */
export function eventJson(event: DecodeEvent, file: string): string {
  if (event.type === "data") return "";
  return line(event.type, file, fieldsOf(event));
}

export function totalsJson(totals: Totals, file: string): string {
  return line("total", file, { ...totals });
}

/** A message that was written to a file. */
export function fileJson(file: string, written: WrittenFile): string {
  return line("file", file, written);
}

function fieldsOf(event: Exclude<DecodeEvent, { type: "data" }>): object {
  const { type: _type, ...fields } = event;
  switch (event.type) {
    case "body":
      return { ...fields, ...field("start", event.start) };
    case "sender":
      return { ...fields, address: undefined, ...field("sender", event.address) };
    case "recipient":
      return { ...fields, address: undefined, ...field("recipient", event.address) };
    case "response":
      return { ...fields, ...field("text", event.text) };
    case "violation":
      return { ...fields, ...field("before", event.before), ...field("found", event.found) };
    default:
      return fields;
  }
}

function line(event: string, file: string, fields: object): string {
  return `${toJson({ schema: 1, type: "decode", event, file, ...fields })}\n`;
}
