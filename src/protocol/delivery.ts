import type { Response, Status } from "./response.ts";

/** One recipient with its result. A value, never an exception: whatever goes wrong, each recipient has one. */
export interface Delivery {
  readonly recipient: Buffer;
  readonly status: Status;
  /** The server's bytes, or our own words in UTF-8. */
  readonly text: Buffer;
  /** Who decided: the server, by its response for this recipient, or the client, because no response came. */
  readonly origin: "server" | "client";
  /** The server had the whole package and may have accepted it: sending it again may deliver it twice. */
  readonly possibleDuplicate: boolean;
  /** Why the client decided. */
  readonly error?: Error | undefined;
}

export function answered(recipient: Buffer, response: Response): Delivery {
  const { status, text } = response;
  return { recipient, status, text, origin: "server", possibleDuplicate: false };
}

/** Any response not received is a temporary failure (qmtp.txt, section 2). */
export function deferred(
  recipient: Buffer,
  text: Buffer,
  error: Error | undefined,
  possibleDuplicate = false,
): Delivery {
  return { recipient, status: "deferral", text, origin: "client", possibleDuplicate, error };
}

/**
 * What is known about a recipient after another attempt. An attempt that never got as far as the recipient changes
 * nothing. An earlier attempt without a response may have been accepted, whatever the later one says.
 */
export function mergeAttempts(before: Delivery, later: Delivery): Delivery {
  const nothingNew = later.origin === "client" && !later.possibleDuplicate;
  if (nothingNew && (before.origin === "server" || before.possibleDuplicate)) return before;
  return before.possibleDuplicate ? { ...later, possibleDuplicate: true } : later;
}
