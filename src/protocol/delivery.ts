import type { Response, Status } from "./response.ts";

/** One recipient with its result. A value, never an exception: whatever goes wrong, there is one for each. */
export interface Delivery {
  readonly recipient: Buffer;
  readonly status: Status;
  /** The server's bytes, or our own words in UTF-8. */
  readonly text: Buffer;
  /** Who says so: the server, in a response to this recipient, or the client, for want of one. */
  readonly origin: "server" | "client";
  /** The server had the whole package and may have accepted it: sending it again may deliver it twice. */
  readonly possibleDuplicate: boolean;
}

export function answered(recipient: Buffer, response: Response): Delivery {
  const { status, text } = response;
  return { recipient, status, text, origin: "server", possibleDuplicate: false };
}

/** Any response not received is a temporary failure (qmtp.txt, section 2). */
export function deferred(recipient: Buffer, text: Buffer, possibleDuplicate = false): Delivery {
  return { recipient, status: "deferral", text, origin: "client", possibleDuplicate };
}

/**
 * What is known of a recipient after one more attempt. One that did not come to it changes nothing; and whatever
 * becomes of a later one, an earlier one that had no answer may have been accepted.
 */
export function afterAnother(before: Delivery, later: Delivery): Delivery {
  const nothingNew = later.origin === "client" && !later.possibleDuplicate;
  if (nothingNew && (before.origin === "server" || before.possibleDuplicate)) return before;
  return before.possibleDuplicate ? { ...later, possibleDuplicate: true } : later;
}
