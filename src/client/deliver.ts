import { interruption, QmtpError } from "../errors.ts";
import { startWait, type TimeLimit } from "../io/patience.ts";
import { type Delivery, deferralFor } from "../protocol/delivery.ts";
import type { Package, PackageSource } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import { type Cause, causeOf } from "../session/cause.ts";
import type { Limits } from "../session/contract.ts";
import { runSession } from "../session/session.ts";
import { type OpenConnection, type Server, unreached } from "../transport/connector.ts";
import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";
import type { Route } from "./route.ts";

export interface SendEvents<P extends Package> {
  /** Called once for each package taken from the source, with a delivery for each recipient, in order. */
  readonly onSettled: (pkg: P, deliveries: readonly Delivery[]) => void;
  /** Called before the connection is made. */
  readonly onConnecting?: (() => void) | undefined;
  /** Called when the connection is open. */
  readonly onConnected?: ((server: Server) => void) | undefined;
  /** Called with the total of bytes that the connection has taken. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** Milliseconds; null for phases that were not reached. */
export interface SessionTiming {
  readonly connectMs: number | null;
  readonly sendMs: number | null;
  readonly responseMs: number | null;
}

/** How a connection and its session went. */
export interface SessionReport {
  readonly server: Server;
  readonly timing: SessionTiming;
  readonly violations: readonly Violation[];
  /** Why it ended before everything was answered, or null. */
  readonly cause: Cause | null;
}

/** Connects and sends packages over one session. Never rejects because of the server or the network. */
export async function sendPackages<P extends Package>(
  packages: PackageSource<P>,
  route: Route,
  events: SendEvents<P>,
): Promise<SessionReport> {
  const { endpoints, connector, signal, limit, observer } = route;
  if (limit?.leftMs === 0) return notConnected(endpoints, connectTooLong(endpoints, limit.ms));
  events.onConnecting?.();
  let late: QmtpError | undefined;
  const wait = startWait(route, (ms) => {
    late = connectTooLong(endpoints, ms);
    // Any error but a QmtpError keeps the connector from trying the next endpoint.
    return new Error(late.message);
  });
  let opened: OpenConnection;
  try {
    opened = await connector.open(endpoints, wait.signal, observer?.note);
  } catch (error) {
    if (signal.aborted) return notConnected(endpoints, interruption(signal));
    const known = late ?? error;
    if (!(known instanceof QmtpError)) throw known;
    return notConnected(endpoints, known);
  } finally {
    wait.end();
  }
  return sendOver(opened, packages, route, events);
}

/** The time of the run was over before there was a connection. */
export function connectTooLong(endpoints: readonly Endpoint[], ms: number): QmtpError {
  const where = endpoints.map(formatEndpoint).join(" or ");
  return new QmtpError("connect-timeout", `cannot connect to ${where}: no connection within ${ms / 1_000} s`);
}

/** The report when there was no connection. */
function notConnected(endpoints: readonly Endpoint[], error: QmtpError): SessionReport {
  return {
    server: unreached(endpoints),
    timing: { connectMs: null, sendMs: null, responseMs: null },
    violations: [],
    cause: causeOf(error),
  };
}

async function sendOver<P extends Package>(
  { connection, server, connectMs }: OpenConnection,
  packages: PackageSource<P>,
  { limits, signal, limit, observer }: Route,
  { onSettled, onConnected, onProgress }: SendEvents<P>,
): Promise<SessionReport> {
  onConnected?.(server);
  const { cause, sendMs, responseMs, violations } = await runSession(connection, packages, {
    limits: withinRun(limits, limit),
    signal,
    onSettled,
    onProgress,
    observer,
  });
  observer?.note(cause === null ? "all responses received; connection closed" : cause.error.message);
  return { server, timing: { connectMs, sendMs, responseMs }, violations, cause };
}

/** A session ends with the run. */
function withinRun(limits: Limits, limit: TimeLimit | undefined): Limits {
  if (limit === undefined || limit.leftMs > limits.sessionMs) return limits;
  return { ...limits, sessionMs: limit.leftMs, runMs: limit.ms };
}

/** The deliveries of all packages, and how the session went. */
export interface DeliveryReport extends SessionReport {
  /** If there were several sessions at once: how each of them went, in the order in which they began. */
  readonly sessions?: readonly (SessionReport & { readonly number: number })[];
  /** One for each recipient of each package, in order. */
  readonly deliveries: readonly Delivery[];
}

/** Connects and sends the packages over one session. Every recipient gets a delivery, whatever happens. */
export async function deliver(
  packages: readonly Package[],
  route: Route,
  events: Omit<SendEvents<Package>, "onSettled"> = {},
): Promise<DeliveryReport> {
  const settled = new Map<Package, readonly Delivery[]>();
  const report = await sendPackages(packages.values(), route, {
    ...events,
    onSettled: (pkg, deliveries) => settled.set(pkg, deliveries),
  });
  const all = packages.map((pkg) => settled.get(pkg) ?? undelivered(pkg.recipients, report.cause));
  // One package may have a million recipients: its deliveries are not copied.
  const [first] = all;
  return { ...report, deliveries: first !== undefined && all.length === 1 ? first : all.flat() };
}

/** Defers every recipient, because no session is possible. */
export function deferAllRecipients(
  recipients: readonly Buffer[],
  endpoints: readonly Endpoint[],
  error: QmtpError,
): DeliveryReport {
  const report = notConnected(endpoints, error);
  return { ...report, deliveries: undelivered(recipients, report.cause) };
}

/** The deliveries of a package that was never sent. */
export function undelivered(recipients: readonly Buffer[], cause: Cause | null): Delivery[] {
  const text = Buffer.from(cause?.texts.unsent ?? "the session ended before the message was sent");
  // Only DNS can know before there is a connection that another attempt is useless.
  const status = cause?.error.code === "no-exchanger" ? "failure" : "deferral";
  return recipients.map((recipient) => ({ ...deferralFor(recipient, text, cause?.error), status }));
}
