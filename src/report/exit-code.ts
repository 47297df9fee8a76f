import type { QmtpError } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Status } from "../protocol/response.ts";
import { type ExitTable, SEND_TABLE } from "./exit-tables.ts";

type Result = Pick<Delivery, "status" | "origin"> & { readonly spooled?: boolean };

/**
 * The exit code for deliveries. It is success only if each is a success or was spooled. Any other deferral makes it
 * temporary, because another attempt is worthwhile.
 * @param error why the session ended before everything was answered
 */
export function exitCode(
  deliveries: readonly Result[],
  table: ExitTable = SEND_TABLE,
  error: Pick<QmtpError, "code" | "fault"> | null = null,
): number {
  const deferrals = deliveries.filter(({ status, spooled }) => status === "deferral" && !spooled);
  if (deferrals.some(({ origin }) => origin === "server")) return table.deferral;
  if (deferrals.length > 0) return error === null ? table.otherwise : errorExitCode(error, table);
  // What the server did not decide, the table knows by the error.
  if (error !== null && deliveries.some(isOwnFailure)) return errorExitCode(error, table);
  return deliveries.some(({ status }) => status === "failure") ? table.failure : table.success;
}

function isOwnFailure({ status, origin }: Result): boolean {
  return status === "failure" && origin === "client";
}

/** The exit code for an error that ended a command before it had results. */
export function errorExitCode({ code, fault }: Pick<QmtpError, "code" | "fault">, table: ExitTable): number {
  const local = fault === "local" ? table.errors[`${code} (local)`] : undefined;
  return local ?? table.errors[code] ?? table.otherwise;
}

export type Outcome = "success" | "partial" | "failed";

export function outcome(deliveries: readonly { status: Status }[]): Outcome {
  const successes = deliveries.filter(({ status }) => status === "success").length;
  if (successes === deliveries.length) return "success";
  return successes > 0 ? "partial" : "failed";
}
