import type { Problem } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Encoding } from "../protocol/package.ts";
import type { Status } from "../protocol/response.ts";
import type { Violation } from "../protocol/violation.ts";
import type { Server } from "../transport/connector.ts";
import { exitCode, outcome } from "./exit-code.ts";
import { LETTERS, PLAIN, sanitise } from "./sanitise.ts";

/** Moves when a field changes its meaning or goes; new fields do not move it. */
const SCHEMA = 1;

/** How a connection and its session went. */
export interface AttemptReport {
  readonly server: Server;
  readonly deliveries: readonly Delivery[];
  /** Milliseconds; null for what did not happen. */
  readonly timing: { connectMs: number | null; sendMs: number | null; responseMs: number | null };
  readonly violations: readonly Violation[];
  readonly error: Problem | null;
}

/** All there is to say of one message. What is said of the connection is of the last attempt. */
export interface MessageReport extends AttemptReport {
  readonly message: { readonly source: string; readonly bytes: number; readonly encoding: Encoding } | null;
  /** What became of its file, where it came from a maildir. */
  readonly file?: Readonly<Record<string, string | boolean | null>>;
  readonly sender: Buffer;
  readonly deliveries: readonly (Delivery & { readonly spooled?: boolean })[];
  /** Where there may be several. */
  readonly attempts?: readonly AttemptReport[];
}

/** The report as one line of JSON, in pieces: there may be a million deliveries. */
export function* messageJson(report: MessageReport): Generator<string, void> {
  const { server, message, file, sender, deliveries, timing, violations, error, attempts } = report;
  const before = {
    schema: SCHEMA,
    type: "message",
    outcome: outcome(deliveries),
    exitCode: exitCode(deliveries),
    server,
    message,
    ...(file && { file }),
    ...field("sender", sender),
  };
  const after = {
    counts: countsOf(deliveries),
    timing: roundedTiming(timing),
    violations,
    error,
    attempts: attempts?.map(attemptFields),
  };
  yield `${toJson(before).slice(0, -1)},"deliveries":[`;
  for (const [index, delivery] of deliveries.entries()) {
    yield `${index === 0 ? "" : ","}${deliveryJson(index, delivery)}`;
  }
  yield `],${toJson(after).slice(1)}\n`;
}

function attemptFields({ server, deliveries, timing, violations, error }: AttemptReport) {
  const counts = countsOf(deliveries);
  return { server, recipients: deliveries.length, counts, timing: roundedTiming(timing), violations, error };
}

function deliveryJson(index: number, delivery: MessageReport["deliveries"][number]): string {
  const { recipient, status, text, origin, possibleDuplicate, spooled } = delivery;
  return toJson({
    index,
    ...field("recipient", recipient),
    status,
    ...field("text", text),
    origin,
    possibleDuplicate,
    spooled,
  });
}

function countsOf(deliveries: readonly Delivery[]): Record<Status, number> {
  const counts = { success: 0, deferral: 0, failure: 0 };
  for (const { status } of deliveries) counts[status]++;
  return counts;
}

/** A value with bytes: as text where it is UTF-8, else escaped, with the bytes beside it in base64. */
export function field(name: string, bytes: Buffer): Record<string, string> {
  const text = bytes.toString("utf8");
  if (Buffer.from(text).equals(bytes)) return { [name]: text };
  return { [name]: sanitise(bytes), [`${name}Base64`]: bytes.toString("base64") };
}

/** JSON on one line, in which nothing but ASCII and letters stands raw: it may be shown on a terminal. */
export function toJson(value: unknown): string {
  const json = JSON.stringify(value);
  if (PLAIN.test(json)) return json;
  unprintable ??= new RegExp(`[^\\x20-\\x7e${LETTERS}]`, "gu");
  return json.replace(unprintable, (character) =>
    Array.from({ length: character.length }, (_, index) => escaped(character.charCodeAt(index))).join(""),
  );
}

let unprintable: RegExp | undefined;

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

function roundedTiming({ connectMs, sendMs, responseMs }: AttemptReport["timing"]) {
  return { connectMs: rounded(connectMs), sendMs: rounded(sendMs), responseMs: rounded(responseMs) };
}

function rounded(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms * 10) / 10;
}
