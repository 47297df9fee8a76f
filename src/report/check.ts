import type { Need } from "../check/case.ts";
import type { Result } from "../check/result.ts";
import type { Summary } from "../check/summary.ts";
import type { QmtpError } from "../errors.ts";
import type { Server } from "../transport/connector.ts";

/** A run of `qmtp check`. */
export interface CheckReport {
  /** Null if there was no connection. */
  readonly server: Server | null;
  readonly results: readonly Result[];
  readonly summary: Summary;
  readonly exitCode: number;
  readonly messages: { readonly announced: number; readonly sent: number };
  /** Why the run did not reach its end. */
  readonly error: QmtpError | null;
}

/** Where a need is met. */
export const NEED_IN_WORDS: Readonly<Record<Need, string>> = {
  to: "--to",
  refused: "--refused",
  inbox: "--inbox",
  tls: "qmtps://",
  large: "--large",
  slow: "--slow",
};

/** The sections of qmtp.txt. */
export const SECTIONS: Readonly<Record<number, string>> = {
  2: "Protocol",
  4: "Packages",
  5: "Responses",
  6: "Netstrings",
  7: "Encapsulation",
};
