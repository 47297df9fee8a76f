import type { Problem } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Status } from "../protocol/response.ts";

/** The exit codes of an interface, which those who call it know. */
export interface ExitTable {
  /** A success for every recipient. */
  readonly success: number;
  /** The server refuses for good, and defers nobody. */
  readonly failure: number;
  /** The server defers at least one recipient. */
  readonly deferral: number;
  /** Whatever else left a recipient without a response, or came before there were recipients. */
  readonly otherwise: number;
  /** By the code of what went wrong; `code (fault)` goes before `code`. */
  readonly problems: Readonly<Record<string, number>>;
}

/** qmail's convention, which `.qmail` pipes, serialmail and cron wrappers know. */
export const EXIT = { success: 0, permanent: 100, temporary: 111 } as const;

export const QMAIL_TABLE: ExitTable = {
  success: EXIT.success,
  failure: EXIT.permanent,
  deferral: EXIT.temporary,
  otherwise: EXIT.temporary,
  problems: { usage: EXIT.permanent, "bad-header": EXIT.permanent },
};

/** A refusal, permanent or temporary, whose text qmail-queue's caller finds on descriptor 6. */
export const QUEUE_TOLD = 82;

/** qmail-queue(8)'s, with qmail-qmqpc(8)'s for the network. To every caller, 11 to 40 are permanent. */
export const QUEUE_TABLE: ExitTable = {
  success: 0,
  failure: 31,
  deferral: 71,
  otherwise: 74,
  problems: {
    "envelope-too-large": 51,
    "unwritable-spool": 53,
    "unreadable-input": 54,
    "message-unreadable": 54,
    usage: 55,
    "unreadable-configuration": 55,
    "not-under-ucspi": 55,
    "connect-failed (local)": 56,
    "connect-timeout": 72,
    "connect-failed": 73,
    "connection-refused": 73,
    "tls-failed": 73,
    "tls-untrusted": 73,
    "bad-envelope": 91,
  },
};

/** sendmail's, which are those of sysexits(3). */
export const SENDMAIL_TABLE: ExitTable = {
  success: 0,
  failure: 65,
  deferral: 75,
  otherwise: 75,
  problems: {
    usage: 64,
    "bad-header": 65,
    "unreadable-input": 66,
    "message-unreadable": 66,
    "unreadable-configuration": 69,
    "not-under-ucspi": 69,
    "connect-failed": 69,
    "connect-timeout": 69,
    "connection-refused": 69,
    "tls-failed": 69,
    "tls-untrusted": 69,
  },
};

type Result = Pick<Delivery, "status" | "origin"> & { readonly spooled?: boolean };

/**
 * The exit code of results: success only when every recipient has one, or its message waits in a spool; one other
 * deferral is enough to make trying again worthwhile.
 * @param problem why the session ended before everything was answered
 */
export function exitCode(
  deliveries: readonly Result[],
  table: ExitTable = QMAIL_TABLE,
  problem: Pick<Problem, "code" | "fault"> | null = null,
): number {
  const deferrals = deliveries.filter(({ status, spooled }) => status === "deferral" && !spooled);
  if (deferrals.some(({ origin }) => origin === "server")) return table.deferral;
  if (deferrals.length > 0) return problem === null ? table.otherwise : problemExitCode(problem, table);
  return deliveries.some(({ status }) => status === "failure") ? table.failure : table.success;
}

/** The exit code of what ended a command before it had results. */
export function problemExitCode({ code, fault }: Pick<Problem, "code" | "fault">, table: ExitTable): number {
  return table.problems[`${code} (${fault})`] ?? table.problems[code] ?? table.otherwise;
}

export type Outcome = "success" | "partial" | "failed";

export function outcome(deliveries: readonly { status: Status }[]): Outcome {
  const successes = deliveries.filter(({ status }) => status === "success").length;
  if (successes === deliveries.length) return "success";
  return successes > 0 ? "partial" : "failed";
}
