import type { DeliveryReport, SessionTiming } from "../client/deliver.ts";
import type { QmtpError } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Encoding } from "../protocol/package.ts";
import type { Status } from "../protocol/response.ts";
import type { Violation } from "../protocol/violation.ts";
import type { Server } from "../transport/connector.ts";
import { exitCode, outcome } from "./exit-code.ts";
import { describe, withRemedy } from "./remedies.ts";
import { LETTERS, PLAIN, sanitise } from "./sanitise.ts";

/** Changes when a field is removed or changes its meaning, not when one is added. */
const SCHEMA = 1;

/** How a connection and its session went. */
export interface AttemptReport {
  readonly server: Server;
  readonly deliveries: readonly Delivery[];
  readonly timing: SessionTiming;
  readonly violations: readonly Violation[];
  /** Why it ended before everything was answered, or null. */
  readonly error: QmtpError | null;
  /** If there were several sessions at once. */
  readonly sessions?: DeliveryReport["sessions"];
}

/** Everything about one message. Server, timing and error are those of the last attempt. */
export interface MessageReport extends AttemptReport {
  readonly message: { readonly source: string; readonly bytes: number; readonly encoding: Encoding } | null;
  /** The number of its session, if it came from a maildir. */
  readonly session?: number | null;
  /** What was done with its file, if it came from a maildir. */
  readonly file?: Readonly<Record<string, string | boolean | null>>;
  readonly sender: Buffer;
  readonly deliveries: readonly (Delivery & { readonly spooled?: boolean })[];
  /** Undefined for commands that never retry. */
  readonly attempts?: readonly AttemptReport[];
}

/** The report as one line of JSON, in pieces, because there may be a million deliveries. */
export function* messageJson(report: MessageReport): Generator<string, void> {
  const { server, session, message, file, sender, deliveries, attempts } = report;
  const before = {
    schema: SCHEMA,
    type: "message",
    outcome: outcome(deliveries),
    exitCode: exitCode(deliveries),
    server,
    session,
    message,
    ...(file && { file }),
    ...field("sender", sender),
  };
  const after = {
    ...resultFields(report),
    attempts: attempts?.map(attemptFields),
  };
  yield `${toJson(before).slice(0, -1)},"deliveries":[`;
  for (const [index, delivery] of deliveries.entries()) {
    yield `${index === 0 ? "" : ","}${deliveryJson(index, delivery)}`;
  }
  yield `],${toJson(after).slice(1)}\n`;
}

function attemptFields(attempt: AttemptReport) {
  const { server, deliveries } = attempt;
  return { server, recipients: deliveries.length, ...resultFields(attempt) };
}

/** The fields that a message and each of its attempts share. */
function resultFields({ deliveries, timing, violations, error, sessions }: AttemptReport) {
  return {
    counts: countsOf(deliveries),
    timing: roundedTiming(timing),
    violations,
    error: errorFields(error),
    sessions: sessions?.map((session) => ({
      number: session.number,
      server: session.server,
      timing: roundedTiming(session.timing),
      violations: session.violations,
      error: errorFields(session.cause?.error ?? null),
    })),
  };
}

function deliveryJson(index: number, delivery: MessageReport["deliveries"][number]): string {
  const { recipient, status, text, origin, possibleDuplicate, session, error, spooled } = delivery;
  return toJson({
    index,
    ...field("recipient", recipient),
    status,
    ...field("text", withRemedy(text, error)),
    origin,
    possibleDuplicate,
    session,
    spooled,
  });
}

/** An error in JSON: `code` and `fault` never change, `message` is for people. */
export function errorFields(error: QmtpError | null): Record<string, string> | null {
  return error && { code: error.code, fault: error.fault, message: describe(error) };
}

function countsOf(deliveries: readonly Delivery[]): Record<Status, number> {
  const counts = { success: 0, deferral: 0, failure: 0 };
  for (const { status } of deliveries) counts[status]++;
  return counts;
}

/** A field for bytes: as text if they are UTF-8; otherwise escaped, with a second field in base64. */
export function field(name: string, bytes: Buffer): Record<string, string> {
  const text = bytes.toString("utf8");
  if (Buffer.from(text).equals(bytes)) return { [name]: text };
  return { [name]: sanitise(bytes), [`${name}Base64`]: bytes.toString("base64") };
}

/** JSON on one line, with everything but ASCII and letters escaped, so that it is safe to show on a terminal. */
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
