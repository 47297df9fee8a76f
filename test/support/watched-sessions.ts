import type * as client from "../../src/client/deliver.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import type { Package, PackageSource } from "../../src/protocol/package.ts";

/**
 * Shows a test what each session takes from its source, and how that is settled. In the test:
 *
 *     vi.mock(import("../../src/client/deliver.ts"), async (original) =>
 *       (await import("../support/watched-sessions.ts")).watched(await original()),
 *     );
 */
export const watch: {
  taken: (pkg: Package) => void;
  settled: (pkg: Package, deliveries: readonly Delivery[]) => void;
} = { taken: () => {}, settled: () => {} };

export function watched(actual: typeof client): typeof client {
  return {
    ...actual,
    sendPackages: (packages, route, events) =>
      actual.sendPackages(watchedSource(packages), route, {
        ...events,
        onSettled: (pkg, deliveries) => {
          watch.settled(pkg, deliveries);
          events.onSettled(pkg, deliveries);
        },
      }),
  };
}

function watchedSource<P extends Package>(packages: PackageSource<P>): PackageSource<P> {
  return {
    next: () => {
      const next = packages.next();
      if (!(next instanceof Promise) && !next.done) watch.taken(next.value);
      return next;
    },
  };
}
