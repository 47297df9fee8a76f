import { CommandError, reason } from "../errors.ts";
import { type Delivery, deferred } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import type { JsonError } from "../report/json.ts";
import { interrupted } from "../session/cause.ts";
import { type Limits, type Observer, runSession } from "../session/session.ts";
import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";
import { type OpenConnection, openFirst } from "../transport/open.ts";

export interface DeliverOptions {
  readonly endpoints: readonly Endpoint[];
  readonly connectTimeoutMs: number;
  readonly limits: Limits;
  readonly signal: AbortSignal;
  readonly onProgress?: (bytes: number) => void;
  readonly watch?: (Observer & { note(text: string): void }) | undefined;
}

/** What became of all packages, and how. */
export interface Delivered {
  /** One for each recipient of each package, in order. */
  readonly deliveries: readonly Delivery[];
  readonly server: { endpoint: string; address: string | null; port: number | null };
  readonly timing: { connectMs: number | null; sendMs: number | null; responseMs: number | null };
  readonly violations: readonly Violation[];
  readonly error: JsonError | null;
}

/** Connects, sends the packages over one session, and gives a delivery for each recipient, whatever happens. */
export async function deliver(packages: readonly Package[], options: DeliverOptions): Promise<Delivered> {
  const { endpoints, connectTimeoutMs, signal, watch } = options;
  try {
    const opened = await openFirst(endpoints, { connectTimeoutMs, signal, onEvent: watch?.note });
    return await converse(opened, packages, options);
  } catch (error) {
    if (signal.aborted) return nothingSent(packages, endpoints, interruption(signal));
    if (!(error instanceof CommandError)) throw error;
    const { code, fault, message } = error;
    return nothingSent(packages, endpoints, { code, fault, message });
  }
}

/** Every recipient deferred, for the same reason, before there was a session. */
export function nothingSent(
  packages: readonly Package[],
  endpoints: readonly Endpoint[],
  error: JsonError,
): Delivered {
  const text = Buffer.from(error.message);
  const last = endpoints.at(-1) as Endpoint;
  return {
    deliveries: packages.flatMap(({ recipients }) =>
      recipients.map((recipient) => deferred(recipient, text)),
    ),
    server: { endpoint: formatEndpoint(last), address: null, port: null },
    timing: { connectMs: null, sendMs: null, responseMs: null },
    violations: [],
    error,
  };
}

/** Why everything ends, where a signal was the reason. */
export function interruption(signal: AbortSignal): JsonError {
  const { code, fault, message } = interrupted(reason(signal.reason));
  return { code, fault, message };
}

async function converse(
  opened: OpenConnection,
  packages: readonly Package[],
  options: DeliverOptions,
): Promise<Delivered> {
  const { connection, endpoint, address, port, connectMs } = opened;
  const { limits, signal, onProgress, watch } = options;
  const settled = new Map<Package, readonly Delivery[]>();
  const end = await runSession(connection, packages, {
    limits,
    signal,
    observer: watch,
    ...(onProgress && { onProgress }),
    onSettled: (pkg, deliveries) => settled.set(pkg, deliveries),
  });
  watch?.note(end.cause === null ? "all responses received; connection closed" : end.cause.message);
  return {
    deliveries: packages.flatMap((pkg) => settled.get(pkg) ?? []),
    server: { endpoint: formatEndpoint(endpoint), address, port },
    timing: { connectMs, sendMs: end.sendMs, responseMs: end.responseMs },
    violations: end.violations,
    error: end.cause && { code: end.cause.code, fault: end.cause.fault, message: end.cause.message },
  };
}
