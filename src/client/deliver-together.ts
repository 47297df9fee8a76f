import type { Delivery } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import { type DeliveryReport, type SendEvents, type SessionTiming, undelivered } from "./deliver.ts";
import type { Route } from "./route.ts";
import type { Sessions } from "./sessions.ts";
import { causeOfAll, type EndedSession, type SharedSource } from "./sessions-contract.ts";

/** Connects several times and sends the packages. Every recipient gets a delivery, in the order of the packages. */
export async function deliverTogether(
  packages: readonly Package[],
  route: Route,
  sessions: Sessions,
  { onConnecting, onConnected, onProgress }: Omit<SendEvents<Package>, "onSettled"> = {},
): Promise<DeliveryReport> {
  const settled = new Map<Package, readonly Delivery[]>();
  /** Bytes that connections have taken, by session, and in all. */
  const taken = new Map<number, number>();
  let total = 0;
  let isConnected = false;
  onConnecting?.();
  const ended = await sessions.send(sourceOf(packages), route, {
    onSettled: (pkg, deliveries, { number: session }) =>
      settled.set(
        pkg,
        deliveries.map((delivery) => ({ ...delivery, session })),
      ),
    onConnected: (server) => {
      if (!isConnected) onConnected?.(server);
      isConnected = true;
    },
    onProgress:
      onProgress &&
      ((bytes, { number }) => {
        total += bytes - (taken.get(number) ?? 0);
        taken.set(number, bytes);
        onProgress(total);
      }),
  });
  const cause = causeOfAll(ended);
  const deliveries = packages.flatMap((pkg) => settled.get(pkg) ?? undelivered(pkg.recipients, cause));
  return {
    ...reportOn(ended),
    cause: deliveries.some(({ origin }) => origin === "client") ? cause : null,
    deliveries,
  };
}

function sourceOf<P extends Package>(packages: readonly P[]): SharedSource<P> {
  let at = 0;
  const next = () =>
    at < packages.length
      ? { done: false, value: packages[at++] as P }
      : ({ done: true, value: undefined } as const);
  return {
    count: (most) => Math.min(most, packages.length),
    hasMore: () => at < packages.length,
    sourceFor: (session) => ({ next: () => (session.ended ? { done: true, value: undefined } : next()) }),
  };
}

/** The server is that of the first session, or of the first that was connected; each time is that of the slowest. */
function reportOn(ended: readonly EndedSession[]): Omit<DeliveryReport, "cause" | "deliveries"> {
  const inOrder = ended.toSorted((one, other) => one.session.number - other.session.number);
  const first = inOrder.find(({ timing }) => timing.connectMs !== null) ?? inOrder[0];
  return {
    server: (first as EndedSession).server,
    timing: slowest(ended.map(({ timing }) => timing)),
    violations: inOrder.flatMap(({ violations }) => violations),
    sessions: inOrder.map(({ session, ...report }) => ({ number: session.number, ...report })),
  };
}

function slowest(timings: readonly SessionTiming[]): SessionTiming {
  const most = (of: (timing: SessionTiming) => number | null) =>
    timings.map(of).reduce((longest, ms) => (longest === null || (ms ?? 0) > longest ? ms : longest), null);
  return {
    connectMs: most(({ connectMs }) => connectMs),
    sendMs: most(({ sendMs }) => sendMs),
    responseMs: most(({ responseMs }) => responseMs),
  };
}
