import { type Code, QmtpError } from "../errors.ts";
import type { Delivery as CoreDelivery } from "../protocol/delivery.ts";
import type { Status } from "../protocol/response.ts";

/** One recipient with its result. */
export interface Delivery {
  /** As it was given; `bytes` has it exactly. */
  readonly recipient: string;
  /** `success` (the server's K), `deferral` (Z, or no response), `failure` (D). */
  readonly status: Status;
  /** What the server said, or why there was no response. */
  readonly text: string;
  /** Who decided: the server, by its response, or the client, because no response came. */
  readonly origin: "server" | "client";
  /** The server had the whole message and may have accepted it: sending it again may deliver it twice. */
  readonly possibleDuplicate: boolean;
  /** Why the client decided; null if the server did. qmtp(1) lists the codes. */
  readonly code: Code | null;
  /** The same as bytes, which need not be UTF-8. */
  readonly bytes: { readonly recipient: Buffer; readonly text: Buffer };
}

export function toDelivery({
  recipient,
  status,
  text,
  origin,
  possibleDuplicate,
  error,
}: CoreDelivery): Delivery {
  return {
    recipient: recipient.toString(),
    status,
    text: text.toString(),
    origin,
    possibleDuplicate,
    code: origin === "server" ? null : error instanceof QmtpError ? error.code : "unexpected",
    bytes: { recipient, text },
  };
}
