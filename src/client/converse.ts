import { CommandError, type Problem, reason } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Package, PackageSource } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import { interrupted } from "../session/cause.ts";
import type { Limits, Observer } from "../session/contract.ts";
import { runSession } from "../session/session.ts";
import type { Connector, OpenConnection, Server } from "../transport/connector.ts";
import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";

export type { Server };

export interface ConverseOptions<P extends Package> {
  /** Tried in turn until one connects. */
  readonly endpoints: readonly Endpoint[];
  readonly connector: Pick<Connector, "open">;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  /** Called once for each package taken from the source, with a delivery for each recipient, in order. */
  readonly onSettled: (pkg: P, deliveries: readonly Delivery[]) => void;
  /** Called once there is a connection. */
  readonly onConnected?: (server: Server) => void;
  readonly onProgress?: ((bytes: number) => void) | undefined;
  readonly watch?: (Observer & { note(text: string): void }) | undefined;
}

/** How a connection and its session went. */
export interface Conversed {
  readonly server: Server;
  /** Milliseconds; null for what did not happen. */
  readonly timing: { connectMs: number | null; sendMs: number | null; responseMs: number | null };
  readonly violations: readonly Violation[];
  /** Why it ended before everything was answered, and what that means for packages that were never asked for. */
  readonly problem: (Problem & { readonly unsent: string }) | null;
}

/** Connects and sends packages over one session. What goes wrong on the way is in the result. */
export async function converse<P extends Package>(
  packages: PackageSource<P>,
  options: ConverseOptions<P>,
): Promise<Conversed> {
  const { endpoints, connector, signal, watch } = options;
  try {
    const opened = await connector.open(endpoints, signal, watch?.note);
    return await converseOver(opened, packages, options);
  } catch (error) {
    if (signal.aborted) return notConnected(endpoints, interruption(signal));
    if (!(error instanceof CommandError)) throw error;
    const { code, fault, message } = error;
    return notConnected(endpoints, { code, fault, message });
  }
}

/** Nothing came about but the reason for it. */
export function notConnected(endpoints: readonly Endpoint[], problem: Problem): Conversed {
  const last = endpoints.at(-1) as Endpoint;
  return {
    server: { endpoint: formatEndpoint(last), address: null, port: null, tls: null },
    timing: { connectMs: null, sendMs: null, responseMs: null },
    violations: [],
    problem: { ...problem, unsent: problem.message },
  };
}

/** Why everything ends, where a signal was the reason. */
export function interruption(signal: AbortSignal): Problem {
  const { code, fault, message } = interrupted(reason(signal.reason));
  return { code, fault, message };
}

async function converseOver<P extends Package>(
  opened: OpenConnection,
  packages: PackageSource<P>,
  options: ConverseOptions<P>,
): Promise<Conversed> {
  const { connection, server, connectMs } = opened;
  const { limits, signal, onConnected, onProgress, onSettled, watch } = options;
  onConnected?.(server);
  const { cause, sendMs, responseMs, violations } = await runSession(connection, packages, {
    limits,
    signal,
    onSettled,
    observer: watch,
    ...(onProgress && { onProgress }),
  });
  watch?.note(cause === null ? "all responses received; connection closed" : cause.message);
  return {
    server,
    timing: { connectMs, sendMs, responseMs },
    violations,
    problem: cause && {
      code: cause.code,
      fault: cause.fault,
      message: cause.message,
      unsent: cause.words.unsent,
    },
  };
}
