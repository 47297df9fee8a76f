import type { BounceOptions } from "../../bounce/return.ts";
import type { Context } from "../../cli/context.ts";
import { type Output, type OutputOptions, readOutput } from "../../cli/options/output.ts";
import { type RouteOptions, readEndpoints, readRoute, routeTo, withDrain } from "../../cli/options/route.ts";
import { readSessions, type SessionsOptionValues } from "../../cli/options/sessions.ts";
import type { Route } from "../../client/route.ts";
import type { SessionsOptions } from "../../client/sessions-contract.ts";
import { prefixFromText } from "../../envelope/address.ts";
import { usageError } from "../../errors.ts";
import type { FailurePolicy } from "../../maildir/policy.ts";
import { qmailHome } from "../../qmail/control.ts";
import { queueProgram } from "../../qmail/qmail-queue.ts";
import { parseEndpoint } from "../../transport/endpoint.ts";

/** The options as commander returns them. */
export interface MaildirOptions extends RouteOptions, OutputOptions, SessionsOptionValues {
  readonly bounce?: true;
  readonly bounceServer?: string;
  /** Seconds. */
  readonly lifetime?: number;
  readonly log?: string;
  readonly dryRun?: true;
}

/** A maildir to deliver, checked. */
export interface MaildirRequest {
  readonly route: Route;
  readonly sessions: SessionsOptions;
  readonly output: Output;
  readonly maildir: string;
  readonly prefix: Buffer;
  readonly policy: FailurePolicy;
  readonly bounces: BounceOptions;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The log of deliveries. */
  readonly log: string | undefined;
  readonly dryRun: boolean;
}

/** @throws {QmtpError} usage, unreadable-configuration */
export async function read(
  options: MaildirOptions,
  [maildir = "", prefix = ""]: readonly string[],
  context: Context,
): Promise<MaildirRequest> {
  if (maildir === "") throw usageError("the maildir's name is empty; write a folder with tmp, new and cur");
  const { bounce = false, bounceServer, lifetime, dryRun } = options;
  if (bounceServer !== undefined && !bounce) throw usageError("--bounce-server needs --bounce");
  const routes = await readRoutes(options, context);
  return {
    ...routes,
    sessions: readSessions(options, routes.route),
    output: readOutput(options, context),
    maildir,
    prefix: prefixFromText(prefix),
    policy: { bounce, lifetimeMs: lifetime === undefined ? undefined : lifetime * 1_000 },
    startedAt: Date.now(),
    log: options.log,
    dryRun: dryRun === true,
  };
}

/** The routes for messages and for bounces, which share all options, including TLS. */
async function readRoutes(
  options: MaildirOptions,
  context: Context,
): Promise<Pick<MaildirRequest, "route" | "bounces">> {
  const { env, temporaryDirectory, interrupted: signal } = context;
  const queue = {
    program: queueProgram(env),
    home: qmailHome(env),
    env,
    temporaryDirectory,
    timeoutMs: options.timeout,
  };
  if (options.bounceServer === undefined) {
    const route = withDrain(await readRoute(options, context));
    return { route, bounces: { route: undefined, queue, signal, limit: route.limit } };
  }
  const endpoints = readEndpoints(options, env);
  const server = parseEndpoint(options.bounceServer, options);
  const all = await routeTo([...endpoints, server], options, context);
  const bounceRoute = { ...all, endpoints: [server], observer: undefined };
  return {
    route: withDrain({ ...all, endpoints }),
    bounces: { route: bounceRoute, queue, signal, limit: all.limit },
  };
}
