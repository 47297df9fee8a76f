import type {
  DecodeEvent,
  PartEvent,
  RecoveryEvent,
  StreamViolationCode,
  Totals,
  ViolationEvent,
} from "../decode/events.ts";
import { STATUS_LETTER } from "../protocol/response.ts";
import { counted } from "./counted.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";

/** Columns of the bytes. */
const WIDTH = 34;
const INDENT = " ".repeat(8 + 2 + WIDTH + 2);
/** For each length of bytes, what fills the column; for each length of an offset, what precedes it. */
const AFTER = Array.from({ length: WIDTH + 1 }, (_, length) => " ".repeat(WIDTH - length + 2));
const BEFORE = Array.from({ length: 8 }, (_, length) => " ".repeat(8 - length));
/** The byte that names each encoding. */
const ENCODINGS = { unix: "\\x0a", dos: "\\x0d" } as const;

/** The lines of an event; none for bytes of a message, which are in the line after its last. */
export function listingLines(event: DecodeEvent): string {
  switch (event.type) {
    case "data":
      return "";
    case "violation":
      return violationLines(event);
    case "recovery":
      return row(event.offset, "", recoveryText(event));
    case "stop":
      return row(event.offset, "", `stopped: ${event.reason}`);
    default:
      return partLine(event);
  }
}

type ShownPart = Exclude<PartEvent, { readonly type: "data" }>;

function partLine(event: ShownPart): string {
  const { offset } = event;
  switch (event.type) {
    case "message": {
      const { encoding, length } = event;
      const what = `package ${event.package}: a message of ${bytes(length)}, encoding ${encoding}`;
      return row(offset, `${length + 1}:${ENCODINGS[encoding]}`, what);
    }
    case "body":
      return row(
        offset,
        bodyCell(event.start, event.length),
        `its ${bytes(event.length)} and the comma, as declared`,
      );
    case "sender":
      return netstringRow(offset, event.address, event.address.length === 0 ? "null sender" : "sender");
    case "list":
      return row(offset, `${event.length}:`, `list of recipients, ${bytes(event.length)}`);
    case "recipient":
      return netstringRow(offset, event.address, "recipient");
    case "end":
      return row(offset, ",", endText(event));
    case "response": {
      const { status, text, number } = event;
      const wire = Buffer.concat([Buffer.from(STATUS_LETTER[status]), text]);
      return netstringRow(offset, wire, `response ${number}: ${status}`);
    }
  }
}

function endText(event: Extract<PartEvent, { type: "end" }>): string {
  if (event.length === undefined) return `end of package ${event.package}, which is damaged`;
  const recipients = counted(event.recipients, "recipient");
  return `end of package ${event.package}: ${recipients}, ${bytes(event.length)} in all`;
}

function bodyCell(start: Buffer, length: number): string {
  const shown = sanitise(start);
  return length === start.length && shown.length < WIDTH ? `${shown},` : capped(`${shown}...`);
}

/** A netstring; what does not fit into the column follows what it is. */
function netstringRow(offset: number, content: Buffer, what: string): string {
  const isShort = content.length <= WIDTH;
  const cell = `${content.length}:${sanitise(isShort ? content : content.subarray(0, WIDTH))},`;
  if (isShort && cell.length <= WIDTH) return row(offset, cell, what);
  return row(offset, capped(cell), `${what}: ${sanitiseCapped(content)}`);
}

function capped(cell: string): string {
  if (cell.length <= WIDTH) return cell;
  // No half of an escape.
  return `${cell.slice(0, WIDTH - 3).replace(/\\(x[0-9a-f]?)?$/, "")}...`;
}

function row(offset: number, cell: string, what: string): string {
  const at = String(offset);
  return `${BEFORE[at.length] ?? ""}${at}  ${cell}${AFTER[cell.length] ?? "  "}${what}\n`;
}

function violationLines({ offset, code, message, expected, before, found, cause }: ViolationEvent): string {
  const cell = `${tailOf(sanitise(before))}${foundMark(found)}`;
  const lines = [row(offset, cell, `VIOLATION (${code}): ${message}`)];
  lines.push(`${INDENT}expected: ${expected}\n${INDENT}found: ${foundText(code, found)}\n`);
  if (cause !== undefined) lines.push(`${INDENT}likely cause: ${cause}\n`);
  return lines.join("");
}

/** What is before the violation, as much as fits beside it. */
function tailOf(text: string): string {
  return text.length <= WIDTH - 6 ? text : text.slice(6 - WIDTH);
}

function foundMark(found: Buffer): string {
  return found.length === 0 ? "" : `>${sanitise(found)}<`;
}

function foundText(code: StreamViolationCode, found: Buffer): string {
  const [byte] = found;
  if (byte === undefined) return code === "truncated" ? "the end of the input" : "the end of the list";
  const hex = `0x${byte.toString(16).padStart(2, "0")}`;
  return byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}' (${hex})` : hex;
}

function recoveryText({ offset, at, skipped, cause }: RecoveryEvent): string {
  const where = `goes on at ${offset}, ${at}`;
  const distance = skipped < 0 ? `, ${bytes(-skipped)} back` : skipped > 0 ? `, ${bytes(skipped)} on` : "";
  return `${where}${distance}${cause === undefined ? "" : `\n${INDENT}likely cause: ${cause}`}`;
}

/** A message that was written to a file. */
export interface WrittenFile {
  readonly package: number;
  readonly path: string;
  /** Whether the whole message is there; if not, the name ends in `.part`. */
  readonly complete: boolean;
}

export function fileLine({ path, complete }: WrittenFile): string {
  const what = complete ? "written to" : "incomplete, in";
  return `${INDENT}${what} ${sanitise(path)}\n`;
}

/** What there was in all. */
export function totalsLine(totals: Totals): string {
  const { packages, recipients, messageBytes, violations } = totals;
  const found = violations === 0 ? "no violations" : counted(violations, "violation");
  if (totals.direction === null) return `nothing to decode: ${bytes(totals.bytes)}`;
  if (totals.direction === "packages") {
    const what = `${counted(packages, "package")}, ${counted(recipients, "recipient")}`;
    return `${what}, ${bytes(messageBytes)} of messages, ${bytes(totals.bytes)} read; ${found}`;
  }
  const { success, deferral, failure } = totals;
  const responses = counted(success + deferral + failure, "response");
  const each = `${success} success, ${deferral} deferral, ${failure} failure`;
  return `${responses}: ${each}; ${bytes(totals.bytes)} read; ${found}`;
}

function bytes(count: number): string {
  return counted(count, "byte");
}
