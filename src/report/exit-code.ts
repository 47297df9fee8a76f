import type { Status } from "../protocol/response.ts";

/** qmail's convention, which `.qmail` pipes, serialmail and cron wrappers know. */
export const EXIT = { success: 0, permanent: 100, temporary: 111 } as const;

export type Outcome = "success" | "partial" | "failed";

/**
 * Zero only when every recipient has a success, or its message waits in a spool; one other deferral is enough to
 * make trying again worthwhile.
 */
export function exitCode(deliveries: readonly { status: Status; spooled?: boolean }[]): number {
  if (deliveries.some(({ status, spooled }) => status === "deferral" && !spooled)) return EXIT.temporary;
  if (deliveries.some(({ status }) => status === "failure")) return EXIT.permanent;
  return EXIT.success;
}

export function outcome(deliveries: readonly { status: Status }[]): Outcome {
  const successes = deliveries.filter(({ status }) => status === "success").length;
  if (successes === deliveries.length) return "success";
  return successes > 0 ? "partial" : "failed";
}
