import type { Delivery } from "../../protocol/delivery.ts";
import { withRemedy } from "../remedies.ts";
import { sanitise, sanitiseCapped } from "../sanitise.ts";

/** A delivery to log. */
export interface LogEntry {
  /** The Message-ID, or else the file; empty if there is neither. */
  readonly message: Buffer | string;
  readonly sender: Buffer;
  readonly delivery: Delivery;
  /** What else happened, one word each: `spooled`, `bounced`. */
  readonly remarks: readonly string[];
  /** The endpoint. */
  readonly server: string;
  readonly elapsedMs: number;
}

/**
 * The fields, separated by tabs: time, message, sender, recipient, status, remarks, server, milliseconds, text. None is
 * empty, and only the text contains spaces. So the other fields can be split at any white space, and survive syslog,
 * which may replace tabs.
 */
export function logLine(entry: LogEntry, now: Date): string {
  const { message, sender, delivery, remarks, server, elapsedMs } = entry;
  const { recipient, status, text, error, possibleDuplicate } = delivery;
  const all = possibleDuplicate ? ["possible-duplicate", ...remarks] : remarks;
  return [
    now.toISOString(),
    word(message),
    sender.length === 0 ? "<>" : word(sender),
    word(recipient),
    status,
    all.join(",") || "-",
    word(server),
    `${Math.round(elapsedMs)}`,
    sanitiseCapped(withRemedy(text, error)) || "-",
  ].join("\t");
}

function word(text: Buffer | string): string {
  return sanitise(text).replaceAll(" ", "\\x20") || "-";
}
