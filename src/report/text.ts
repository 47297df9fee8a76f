import type { SessionTiming } from "../client/deliver.ts";
import type { Retry } from "../client/retry.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Status } from "../protocol/response.ts";
import type { Violation } from "../protocol/violation.ts";
import { SPLIT, withRemedy } from "./remedies.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";

/** Colours a status word. */
export type Paint = (status: Status) => string;

/** Returns a function that colours status words, or leaves them plain; only the former loads chalk. */
export async function statusPaint(coloured: boolean): Promise<Paint> {
  if (!coloured) return (status) => status;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  const colours = { success: chalk.green, deferral: chalk.yellow, failure: chalk.red };
  return (status) => colours[status](status);
}

/** Makes text less prominent, if the stream is coloured. */
export async function dimPaint(coloured: boolean): Promise<(text: string) => string> {
  if (!coloured) return (text) => text;
  const { Chalk } = await import("chalk");
  return new Chalk({ level: 1 }).dim;
}

/** How long each part of an exchange took; undefined if not all of them happened. */
export function timesLine({ connectMs, sendMs, responseMs }: SessionTiming): string | undefined {
  if (connectMs === null || sendMs === null || responseMs === null) return undefined;
  const [connected, sent, answered] = [connectMs, sendMs, responseMs].map((ms) => `${ms.toFixed(1)} ms`);
  return `connected in ${connected}, sent in ${sent}, answered in ${answered}`;
}

/** One line for each delivery, in order. */
export function* deliveryLines(
  deliveries: Iterable<Delivery & { readonly spooled?: boolean }>,
  paint: Paint,
): Generator<string, void> {
  let last: { text: Buffer; clean: string } | undefined;
  for (const { recipient, status, text, error, spooled } of deliveries) {
    // Most recipients of a package share one buffer as their text.
    if (last?.text !== text) last = { text, clean: sanitiseCapped(withRemedy(text, error)) };
    yield `${sanitise(recipient)}: ${paint(status)}: ${last.clean}${spooled ? " (spooled)" : ""}`;
  }
}

/** Lines for commands that print no results on standard output: violations, and deliveries without success. */
export function* problemLines(
  deliveries: readonly Delivery[],
  violations: readonly Violation[],
): Generator<string, void> {
  for (const violation of violations) yield violationLine(violation);
  const unsuccessful = deliveries.filter(({ status }) => status !== "success");
  yield* deliveryLines(unsuccessful, (status) => status);
}

/** A line about a retry: when, and why, in the words for the first recipient. */
export function retryLine({ attempt, attempts, delayMs, deliveries }: Retry): string {
  const [{ text, error }] = deliveries as [Delivery];
  const more = deliveries.length === 1 ? "" : ` (${deliveries.length} recipients)`;
  const seconds = (delayMs / 1_000).toFixed(1).replace(/\.0$/, "");
  return `attempt ${attempt} of ${attempts} in ${seconds} s: ${sanitiseCapped(withRemedy(text, error))}${more}`;
}

/** A line about a server that broke the protocol. */
export function violationLine({ code, message, offset }: Violation): string {
  const remedy = code === "missing-responses" ? `; ${SPLIT}` : "";
  return `the server broke the protocol at byte ${offset}: ${sanitiseCapped(Buffer.from(message))}${remedy}`;
}
