/** What a peer did that the protocol forbids. Scripts read these codes in JSON, so they never change. */
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
  /** What kind it is. */
  readonly code: ViolationCode;
  /** What it is, in words. */
  readonly message: string;
  /** Position of the offending byte, counted from the start of the connection in its direction. */
  readonly offset: number;
}

/** Thrown by readers, which then can read nothing more. */
export class ViolationError extends Error implements Violation {
  override readonly name = "ViolationError";
  /** What kind of violation it is. */
  readonly code: ViolationCode;
  /** Position of the offending byte, counted from the first byte that was pushed. */
  readonly offset: number;

  constructor(code: ViolationCode, message: string, offset: number) {
    super(message);
    this.code = code;
    this.offset = offset;
  }
}
