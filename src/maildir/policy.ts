import type { Status } from "../protocol/response.ts";

/** What a run does with messages that have no success. */
export interface Policy {
  /** Whether failures go back to their senders. */
  readonly bounce: boolean;
  /** Milliseconds after which a deferral counts as a failure; undefined: never. */
  readonly lifetimeMs: number | undefined;
}

/** What follows from a server's response: the file is removed, the message is returned, or the file stays. */
export interface Consequence {
  readonly action: "remove" | "bounce" | "discard" | "keep";
  /** Whether it is a failure only because the message is too old. */
  readonly expired: boolean;
}

/** The sender of a message that tells of a bounce that could not be delivered: nobody is left to tell. */
const DOUBLE_BOUNCE = Buffer.from("#@[]");

/**
 * @param sender of the message
 * @param ageMs milliseconds since the file was last written
 */
export function consequenceOf(status: Status, sender: Buffer, ageMs: number, policy: Policy): Consequence {
  if (status === "success") return { action: "remove", expired: false };
  const expired = status === "deferral" && isExpired(ageMs, policy);
  if (!policy.bounce || (status === "deferral" && !expired)) return { action: "keep", expired };
  return { action: sender.equals(DOUBLE_BOUNCE) ? "discard" : "bounce", expired };
}

/** Whether the next deferral will be a failure. */
export function isExpired(ageMs: number, { lifetimeMs }: Policy): boolean {
  return lifetimeMs !== undefined && ageMs > lifetimeMs;
}
