/** What a peer did that the protocol does not allow. Scripts read the codes in JSON: they never change. */
export type ViolationCode =
  | "bad-length"
  | "length-over-cap"
  | "missing-comma"
  | "empty-response"
  | "unknown-status"
  | "surplus-response"
  | "early-response"
  | "missing-responses"
  | "unknown-encoding"
  | "no-recipients"
  | "recipients-overrun";

/** A deviation from the protocol. */
export interface Violation {
  readonly code: ViolationCode;
  readonly message: string;
  /** Bytes in that direction before the offending one, from the start of the connection. */
  readonly offset: number;
}

/** Thrown by readers, which can read nothing more from that direction of the connection. */
export class ViolationError extends Error implements Violation {
  override readonly name = "ViolationError";
  readonly code: ViolationCode;
  readonly offset: number;

  constructor(code: ViolationCode, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}
