import type { Context } from "../../cli/context.ts";
import { type Output, readOutput } from "../../cli/options/output.ts";
import { type ResolvingRoute, readRoute, withDrain } from "../../cli/options/route.ts";
import { readSessions } from "../../cli/options/sessions.ts";
import type { RetryPolicy } from "../../client/retry.ts";
import type { SessionsOptions } from "../../client/sessions-contract.ts";
import { usageError } from "../../errors.ts";
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

function retryPolicy(options: SendOptions, { endpoints }: ResolvingRoute): RetryPolicy {
  const { retry: retries, retryDelay: delayMs, retryMaxTime: maxMs, retryUnanswered } = options;
  if (retries > 0 && endpoints.every(({ kind }) => kind === "ucspi")) {
    throw usageError("--retry cannot reconnect with ucspi:; name another endpoint");
  }
  return { retries, delayMs, maxMs, unanswered: retryUnanswered === true };
}
