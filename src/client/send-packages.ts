import { interruption, QmtpError } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Package, PackageSource } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import { type Cause, sameText } from "../session/cause.ts";
import { runSession } from "../session/session.ts";
import type { OpenConnection, Server } from "../transport/connector.ts";
import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";
import type { Route } from "./route.ts";

export interface SendEvents<P extends Package> {
  /** Called once for each package taken from the source, with a delivery for each recipient, in order. */
  readonly onSettled: (pkg: P, deliveries: readonly Delivery[]) => void;
  /** Called once there is a connection. */
  readonly onConnected?: ((server: Server) => void) | undefined;
  /** Called with the number of bytes that the connection has taken so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** How a connection and its session went. */
export interface SessionReport {
  readonly server: Server;
  /** Milliseconds; null for what did not happen. */
  readonly timing: { connectMs: number | null; sendMs: number | null; responseMs: number | null };
  readonly violations: readonly Violation[];
  /** Why it ended before everything was answered. */
  readonly cause: Cause | null;
}

/** Connects and sends packages over one session. Never rejects for what a server or the network does. */
export async function sendPackages<P extends Package>(
  packages: PackageSource<P>,
  route: Route,
  events: SendEvents<P>,
): Promise<SessionReport> {
  const { endpoints, connector, signal, observer } = route;
  let opened: OpenConnection;
  try {
    opened = await connector.open(endpoints, signal, observer?.note);
  } catch (error) {
    if (signal.aborted) return notConnected(endpoints, interruption(signal));
    if (!(error instanceof QmtpError)) throw error;
    return notConnected(endpoints, error);
  }
  return sendOver(opened, packages, route, events);
}

/** The report when there was no connection. */
export function notConnected(endpoints: readonly Endpoint[], error: QmtpError): SessionReport {
  const last = endpoints.at(-1) as Endpoint;
  return {
    server: { endpoint: formatEndpoint(last), address: null, port: null, tls: null },
    timing: { connectMs: null, sendMs: null, responseMs: null },
    violations: [],
    cause: sameText(error),
  };
}

async function sendOver<P extends Package>(
  { connection, server, connectMs }: OpenConnection,
  packages: PackageSource<P>,
  { limits, signal, observer }: Route,
  { onSettled, onConnected, onProgress }: SendEvents<P>,
): Promise<SessionReport> {
  onConnected?.(server);
  const { cause, sendMs, responseMs, violations } = await runSession(connection, packages, {
    limits,
    signal,
    onSettled,
    onProgress,
    observer,
  });
  observer?.note(cause === null ? "all responses received; connection closed" : cause.error.message);
  return { server, timing: { connectMs, sendMs, responseMs }, violations, cause };
}
