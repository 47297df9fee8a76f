import type { Context } from "../../cli/context.ts";
import { readRoute } from "../../cli/options/route.ts";
import type { Route } from "../../client/route.ts";
import { usageError } from "../../errors.ts";
import type { PingOptions } from "./declare.ts";

/** Where to connect, and how often; times in milliseconds. */
export interface PingRequest {
  readonly route: Route;
  readonly waitMs: number;
  readonly count: number;
  /** From the beginning of one to that of the next. */
  readonly intervalMs: number;
  /** Whether there is a summary. */
  readonly repeated: boolean;
  readonly json: boolean;
  readonly quiet: boolean;
}

/** @throws {QmtpError} usage, unreadable-configuration, unwritable-trace */
export async function read(
  options: PingOptions,
  _operands: readonly string[],
  context: Context,
): Promise<PingRequest> {
  const { wait: waitMs, count, interval, json, quiet } = options;
  // Nothing is sent, so that only the wait has a limit.
  const route = await readRoute({ ...options, timeout: waitMs }, context);
  const repeated = count !== undefined || interval !== undefined;
  if ((count ?? 1) > 1 || (count === undefined && interval !== undefined)) checkRepeatable(route);
  return {
    route,
    waitMs,
    count: count ?? (interval === undefined ? 1 : Number.POSITIVE_INFINITY),
    intervalMs: interval ?? DEFAULT_INTERVAL_MS,
    repeated,
    json: json === true,
    quiet: quiet === true,
  };
}

/** As ping(8) has it. */
const DEFAULT_INTERVAL_MS = 1_000;

function checkRepeatable({ endpoints }: Route): void {
  if (!endpoints.every(({ kind }) => kind === "ucspi")) return;
  throw usageError("ucspi: can be used only once: leave out -c and -i, or name another endpoint");
}
