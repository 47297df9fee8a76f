import type { QmtpError } from "../errors.ts";
import { type Delivery, deferred } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Cause } from "../session/cause.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { Route } from "./route.ts";
import { notConnected, type SendEvents, type SessionReport, sendPackages } from "./send-packages.ts";

/** What became of all packages, and how the session went. */
export interface Delivered extends SessionReport {
  /** One for each recipient of each package, in order. */
  readonly deliveries: readonly Delivery[];
}

/** Connects, sends the packages over one session, and returns a delivery for each recipient, whatever happens. */
export async function deliver(
  packages: readonly Package[],
  route: Route,
  events: Omit<SendEvents<Package>, "onSettled"> = {},
): Promise<Delivered> {
  const settled = new Map<Package, readonly Delivery[]>();
  const report = await sendPackages(packages.values(), route, {
    ...events,
    onSettled: (pkg, deliveries) => settled.set(pkg, deliveries),
  });
  const all = packages.map((pkg) => settled.get(pkg) ?? deferAll(pkg.recipients, report.cause));
  // One package may have a million recipients: its deliveries are not copied.
  const [first] = all;
  return { ...report, deliveries: first !== undefined && all.length === 1 ? first : all.flat() };
}

/** Every recipient deferred, because there was no session. */
export function deliverNothing(
  recipients: readonly Buffer[],
  endpoints: readonly Endpoint[],
  error: QmtpError,
): Delivered {
  const report = notConnected(endpoints, error);
  return { ...report, deliveries: deferAll(recipients, report.cause) };
}

function deferAll(recipients: readonly Buffer[], cause: Cause | null): Delivery[] {
  const text = Buffer.from(cause?.texts.unsent ?? "");
  return recipients.map((recipient) => deferred(recipient, text, cause?.error));
}
