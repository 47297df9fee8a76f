import type { Context } from "../context.ts";
import { prefixFromText } from "../envelope/address.ts";
import { usageError } from "../errors.ts";
import type { Policy } from "../maildir/policy.ts";
import type { Connector } from "../transport/connector.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { connectorFor, serversOf } from "./route-options.ts";
import type { SessionOptions } from "./session-options.ts";

/** The options as commander hands them over; times in milliseconds, but for the lifetime. */
export interface MaildirOptions extends SessionOptions {
  readonly bounce?: true;
  readonly bounceServer?: string;
  /** Seconds. */
  readonly lifetime?: number;
  readonly dryRun?: true;
}

/** What a run is about, checked. */
export interface MaildirRequest {
  readonly maildir: string;
  readonly prefix: Buffer;
  readonly endpoints: readonly Endpoint[];
  readonly connector: Connector;
  readonly policy: Policy;
  readonly bounceServer: Endpoint | undefined;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** @throws {CommandError} usage, unreadable-input */
export async function readMaildirRequest(
  maildir: string,
  prefix: string,
  options: MaildirOptions,
  context: Context,
): Promise<MaildirRequest> {
  if (maildir === "") throw usageError("the maildir has no name; write a folder with tmp, new and cur");
  const { bounce = false, bounceServer, lifetime } = options;
  if (bounceServer !== undefined && !bounce)
    throw usageError("--bounce-server is of no use without --bounce");
  const endpoints = serversOf(options, context.env);
  const bouncesTo = bounceServer === undefined ? undefined : parseEndpoint(bounceServer, options);
  const all = bouncesTo === undefined ? endpoints : [...endpoints, bouncesTo];
  return {
    maildir,
    prefix: prefixFromText(prefix),
    endpoints,
    connector: await connectorFor(all, options, context),
    policy: { bounce, lifetimeMs: lifetime === undefined ? undefined : lifetime * 1_000 },
    bounceServer: bouncesTo,
    startedAt: Date.now(),
  };
}
