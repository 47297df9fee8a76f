import { DOUBLE_BOUNCE_SENDER } from "../bounce/compose.ts";
import type { Status } from "../protocol/response.ts";

/** What a run does with messages that the server did not accept. */
export interface FailurePolicy {
  /** Whether failures are returned to their senders. */
  readonly bounce: boolean;
  /** Milliseconds after which a deferral counts as a failure; undefined: never. */
  readonly lifetimeMs: number | undefined;
}

/** What to do about a server's response: remove the file, return the message, or keep the file. */
export interface Decision {
  readonly action: "remove" | "bounce" | "discard" | "keep";
  /** Whether it is a deferral that counts as a failure because the message is too old. */
  readonly expired: boolean;
}

/**
 * @param sender of the message
 * @param ageMs milliseconds since the file was last written
 */
export function decide(status: Status, sender: Buffer, ageMs: number, policy: FailurePolicy): Decision {
  if (status === "success") return { action: "remove", expired: false };
  const expired = status === "deferral" && isExpired(ageMs, policy);
  if (!policy.bounce || (status === "deferral" && !expired)) return { action: "keep", expired };
  return { action: sender.equals(DOUBLE_BOUNCE_SENDER) ? "discard" : "bounce", expired };
}

/** Whether the next deferral counts as a failure. */
export function isExpired(ageMs: number, { lifetimeMs }: FailurePolicy): boolean {
  return lifetimeMs !== undefined && ageMs > lifetimeMs;
}
