import { statSync } from "node:fs";
import type { Context } from "../../cli/context.ts";
import { type Output, readOutput } from "../../cli/options/output.ts";
import { type ResolvingRoute, readRoute, withDrain } from "../../cli/options/route.ts";
import { readSessions } from "../../cli/options/sessions.ts";
import type { RetryPolicy } from "../../client/retry.ts";
import type { SessionsOptions } from "../../client/sessions-contract.ts";
import { usageError, visiblePath } from "../../errors.ts";
import type { SendOptions } from "./declare.ts";
import { type PackageRequest, readPackage } from "./read-package.ts";

/** A message to send, and how to send it: the command line, checked. */
export interface SendRequest extends PackageRequest {
  readonly route: ResolvingRoute;
  readonly sessions: SessionsOptions;
  readonly output: Output;
  readonly retry: RetryPolicy;
  /** The maildir in which to store the message for deferred recipients. */
  readonly spool: string | undefined;
  /** The log of deliveries. */
  readonly log: string | undefined;
  readonly dryRun: boolean;
}

/** @throws {QmtpError} usage, unreadable-input, unreadable-configuration */
export async function read(
  options: SendOptions,
  _operands: readonly string[],
  context: Context,
): Promise<SendRequest> {
  refuseOverwriting(options);
  const route = await readRoute(options, context);
  const retry = retryPolicy(options, route);
  const sessions = readSessions(options, route);
  if (sessions.count > 1 && options.split !== true) {
    throw usageError("--sessions needs --split: without it, there is only one package");
  }
  return {
    ...(await readPackage(options, context, route.limit)),
    route: options.split === true ? withDrain(route) : route,
    sessions,
    output: readOutput(options, context),
    retry,
    spool: options.spool,
    log: options.dryRun ? undefined : options.log,
    dryRun: options.dryRun === true,
  };
}

/** What the run writes must not go into the file that it sends. */
function refuseOverwriting({ file, trace, log }: SendOptions): void {
  for (const [flag, written] of Object.entries({ trace, log })) {
    if (file === undefined || written === undefined || !isSameFile(file, written)) continue;
    throw usageError(`--${flag} and --file name the same file, ${visiblePath(file)}; name another one`);
  }
}

function isSameFile(one: string, other: string): boolean {
  try {
    const [first, second] = [statSync(one), statSync(other)];
    return first.isFile() && first.ino === second.ino && first.dev === second.dev;
  } catch {
    // Opening it will say what is wrong.
    return false;
  }
}

function retryPolicy(options: SendOptions, { endpoints }: ResolvingRoute): RetryPolicy {
  const { retry: retries, retryDelay: delayMs, retryMaxTime: maxMs, retryUnanswered } = options;
  if (retries > 0 && endpoints.every(({ kind }) => kind === "ucspi")) {
    throw usageError("--retry cannot reconnect with ucspi:; name another endpoint");
  }
  return { retries, delayMs, maxMs, unanswered: retryUnanswered === true };
}
