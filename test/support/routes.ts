import type { Duplex } from "node:stream";
import type { BounceOptions } from "../../src/bounce/return.ts";
import type { Route } from "../../src/client/route.ts";
import type { Limits } from "../../src/session/contract.ts";

/** A route with connections made by the test. */
export function routeThrough(
  connect: () => Duplex | Promise<Duplex>,
  limits: Limits,
  signal = new AbortController().signal,
): Route {
  const server = { endpoint: "qmtp://in-memory:209", address: null, port: null, tls: null };
  return {
    endpoints: [{ kind: "tcp", host: "in-memory", port: 209 }],
    connector: { open: async () => ({ connection: await connect(), server, connectMs: 0 }) },
    limits,
    signal,
  };
}

/** For maildirs whose messages may not be bounced. */
export function noBounces(): BounceOptions {
  const queue = {
    program: "/nonexistent",
    home: "/nonexistent",
    env: {},
    temporaryDirectory: "/nonexistent",
  };
  return { route: undefined, queue: { ...queue, timeoutMs: 1 }, signal: new AbortController().signal };
}
