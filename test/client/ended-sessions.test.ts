import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { deliverTogether } from "../../src/client/deliver-together.ts";
import { Sessions } from "../../src/client/sessions.ts";
import { connectionPair } from "../session/pair.ts";
import { LIMITS, pkg } from "../session/sending.ts";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Sessions whose server closes the connection after its first answer, one after the other. */
async function breakSessions() {
  const connections: WeakRef<object>[] = [];
  const signals: WeakRef<object>[] = [];
  const { signal } = new AbortController();
  const report = await deliverTogether(
    Array.from({ length: 40 }, (_, index) => pkg("hi", `${index}@y`)),
    {
      endpoints: [{ kind: "unix", path: "/s" }],
      connector: {
        open: async (_, signal) => {
          const { client, server } = connectionPair();
          server.once("data", () => server.end("3:Kok,"));
          connections.push(new WeakRef(client));
          signals.push(new WeakRef(signal));
          return {
            connection: client,
            server: { endpoint: "unix:/s", address: null, port: null, tls: null },
            connectMs: 1,
          };
        },
      },
      signal,
      limits: LIMITS,
    },
    new Sessions({ count: 2, spread: false }),
  );
  return { report, signal, connections, signals };
}

test("of sessions that broke, only their results are kept, however many there are", async () => {
  const { report, signal, connections, signals } = await breakSessions();
  // Weak references keep their objects until the current job is over.
  await new Promise(setImmediate);
  collect();
  const kept = (some: readonly WeakRef<object>[]) => some.filter((one) => one.deref() !== undefined).length;
  expect(connections.length).toBeGreaterThan(8);
  // The engine may still refer to the last one.
  expect([kept(connections) <= 1, kept(signals) <= 1]).toEqual([true, true]);
  // These are still in use.
  expect([report.deliveries.length, signal.aborted]).toEqual([40, false]);
});
