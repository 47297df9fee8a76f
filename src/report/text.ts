import type { Delivery } from "../protocol/delivery.ts";
import type { Status } from "../protocol/response.ts";
import type { Violation } from "../protocol/violation.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";

/** Puts a status word in colour. */
export type Paint = (status: Status) => string;

/** Colours for the status words, or none; chalk is loaded only for some. */
export async function statusPaint(coloured: boolean): Promise<Paint> {
  if (!coloured) return (status) => status;
  const { Chalk } = await import("chalk");
  const chalk = new Chalk({ level: 1 });
  const colours = { success: chalk.green, deferral: chalk.yellow, failure: chalk.red };
  return (status) => colours[status](status);
}

/** One line for each delivery, in order; with `quiet`, only for those that did not succeed. */
export function* deliveryLines(
  deliveries: Iterable<Delivery & { readonly spooled?: boolean }>,
  paint: Paint,
  quiet: boolean,
): Generator<string, void> {
  let last: { text: Buffer; clean: string } | undefined;
  for (const { recipient, status, text, spooled } of deliveries) {
    if (quiet && status === "success") continue;
    // Recipients of one package mostly share the very same text.
    if (last?.text !== text) last = { text, clean: sanitiseCapped(text) };
    yield `${sanitise(recipient)}: ${paint(status)}: ${last.clean}${spooled ? " (spooled)" : ""}`;
  }
}

/** A line about a server that does not keep to the protocol. */
export function violationLine({ code, message, offset }: Violation): string {
  const hint = code === "missing-responses" ? "; try --split, which sends one package per recipient" : "";
  return `the server broke the protocol at byte ${offset}: ${sanitiseCapped(Buffer.from(message))}${hint}`;
}
