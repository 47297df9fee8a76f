import type { Context } from "../context.ts";
import { prefixFromText } from "../envelope/address.ts";
import { usageError } from "../errors.ts";
import type { Policy } from "../maildir/policy.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { type SessionOptions, serversOf } from "./session-options.ts";

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
  readonly policy: Policy;
  readonly bounceServer: Endpoint | undefined;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
}

/** @throws {CommandError} usage */
export function readMaildirRequest(
  maildir: string,
  prefix: string,
  options: MaildirOptions,
  context: Context,
): MaildirRequest {
  if (maildir === "") throw usageError("the maildir has no name; write a folder with tmp, new and cur");
  const { bounce = false, bounceServer, lifetime } = options;
  if (bounceServer !== undefined && !bounce)
    throw usageError("--bounce-server is of no use without --bounce");
  return {
    maildir,
    prefix: prefixFromText(prefix),
    endpoints: serversOf(options, context.env),
    policy: { bounce, lifetimeMs: lifetime === undefined ? undefined : lifetime * 1_000 },
    bounceServer: bounceServer === undefined ? undefined : parseEndpoint(bounceServer),
    startedAt: Date.now(),
  };
}
