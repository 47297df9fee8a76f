import type { Problem } from "../errors.ts";
import { type Delivery, deferred } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { type Conversed, type ConverseOptions, converse, notConnected } from "./converse.ts";

export type DeliverOptions = Omit<ConverseOptions<Package>, "onSettled">;

/** What became of all packages, and how. */
export interface Delivered extends Conversed {
  /** One for each recipient of each package, in order. */
  readonly deliveries: readonly Delivery[];
}

/** Connects, sends the packages over one session, and gives a delivery for each recipient, whatever happens. */
export async function deliver(packages: readonly Package[], options: DeliverOptions): Promise<Delivered> {
  const settled = new Map<Package, readonly Delivery[]>();
  const onSettled = (pkg: Package, deliveries: readonly Delivery[]) => settled.set(pkg, deliveries);
  const conversed = await converse(packages.values(), { ...options, onSettled });
  return { ...conversed, deliveries: completed(packages, settled, conversed) };
}

/** Every recipient deferred, for the same reason, before there was a session. */
export function nothingSent(
  packages: readonly Package[],
  endpoints: readonly Endpoint[],
  problem: Problem,
): Delivered {
  const conversed = notConnected(endpoints, problem);
  return { ...conversed, deliveries: completed(packages, new Map(), conversed) };
}

/** Packages that the session never asked for are deferred too. */
function completed(
  packages: readonly Package[],
  settled: ReadonlyMap<Package, readonly Delivery[]>,
  { problem }: Conversed,
): Delivery[] {
  const unsent = Buffer.from(problem?.unsent ?? "");
  return packages.flatMap(
    (pkg) => settled.get(pkg) ?? pkg.recipients.map((recipient) => deferred(recipient, unsent)),
  );
}
