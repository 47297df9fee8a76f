import type { Message } from "../protocol/package.ts";

/** What to send, and how fast. Infinite numbers are no limit. */
export interface Plan {
  readonly sender: Buffer;
  /** Used in turn. */
  readonly recipients: readonly Buffer[];
  /** Recipients of each package. */
  readonly recipientsEach: number;
  readonly message: Message;
  readonly sessions: number;
  /** Most packages in flight in each session. */
  readonly window: number;
  /** Packages to send after the warm-up. */
  readonly messages: number;
  /** Milliseconds after the warm-up. */
  readonly durationMs: number;
  /**
   * Packages per second, sent on a schedule whatever the server does: an open loop. Undefined for a closed loop, in
   * which each response makes room for the next package.
   */
  readonly rate: number | undefined;
  /** Packages for each connection. */
  readonly reconnectAfter: number;
  /** Milliseconds at the beginning that are left out of the results. */
  readonly warmUpMs: number;
}

/** Most packages in flight in a session: the window of a session begins with this many. */
export const MAX_WINDOW = 1_024;
/** Most bytes in flight in a session, a little less than the session allows: what waits is not in flight. */
const MAX_BYTES = 60 * 1024 * 1024;

/** The window for messages of this many bytes. */
export function windowFor(window: number, length: number): number {
  return Math.max(1, Math.min(window, Math.floor(MAX_BYTES / Math.max(1, length))));
}

/** Most sessions; each needs a descriptor on both sides. */
export const MAX_SESSIONS = 10_000;

/** The recipients of the packages: the package with this number gets the list at this index, modulo their count. */
export function recipientLists({ recipients, recipientsEach }: Plan): readonly (readonly Buffer[])[] {
  return recipients.map((_, first) =>
    Array.from(
      { length: recipientsEach },
      (_, index) => recipients[(first + index) % recipients.length] as Buffer,
    ),
  );
}
