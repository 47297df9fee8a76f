import type { Route } from "../client/route.ts";
import { INTAKE_SHARE } from "../client/sessions-contract.ts";
import { interruption, QmtpError, runOver } from "../errors.ts";

/** Why messages were not sent. */
export interface NotSent {
  readonly text: string;
  readonly error: Error | undefined;
}

/** Whether no more messages are taken, so that those in flight are answered within the time of the run. */
export function isOutOfTime({ limit }: Route): boolean {
  return limit !== undefined && limit.leftMs <= limit.ms * (1 - INTAKE_SHARE);
}

/**
 * The signal or the end of the time, if that has ended the run.
 * @param cause why messages are left. A server that could not be reached in time is a reason for each message.
 */
export function whyStopped(route: Route, cause: NotSent | undefined): QmtpError | undefined {
  const { signal, limit } = route;
  if (signal.aborted) return interruption(signal);
  if (limit === undefined || !isOutOfTime(route) || cause === undefined) return undefined;
  const isUnreachable = cause.error instanceof QmtpError && cause.error.code === "connect-timeout";
  return isUnreachable ? undefined : runOver(limit.ms);
}
