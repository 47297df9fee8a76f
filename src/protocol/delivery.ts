import type { Response, Status } from "./response.ts";

/** One recipient and its result. A value, never an exception: every recipient gets one, whatever goes wrong. */
export interface Delivery {
  readonly recipient: Buffer;
  readonly status: Status;
  /** The server's bytes, or our own text in UTF-8. */
  readonly text: Buffer;
  /** Who decided: the server, in its response for this recipient, or the client, because no response came. */
  readonly origin: "server" | "client";
  /** The server got the complete package and may have accepted it: sending it again may deliver it twice. */
  readonly possibleDuplicate: boolean;
  /** The number of the session that had it, if there were several at once. */
  readonly session?: number;
  /** Why the client decided. */
  readonly error?: Error | undefined;
}

export function deliveryFrom(recipient: Buffer, response: Response): Delivery {
  const { status, text } = response;
  return { recipient, status, text, origin: "server", possibleDuplicate: false };
}

/** A response that never came counts as a temporary failure (qmtp.txt, section 2). */
export function deferralFor(
  recipient: Buffer,
  text: Buffer,
  error: Error | undefined,
  possibleDuplicate = false,
): Delivery {
  return { recipient, status: "deferral", text, origin: "client", possibleDuplicate, error };
}

/**
 * A recipient's result after another attempt. An attempt that never reached the recipient changes nothing. If an
 * earlier attempt got no response, the message may have been accepted then, whatever the later attempt says.
 */
export function mergeAttempts(before: Delivery, later: Delivery): Delivery {
  const nothingNew = later.origin === "client" && !later.possibleDuplicate;
  if (nothingNew && (before.origin === "server" || before.possibleDuplicate)) return before;
  return before.possibleDuplicate ? { ...later, possibleDuplicate: true } : later;
}
