import { getEventListeners, once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Connector, type ConnectorOptions } from "../../src/transport/connector.ts";
import { type Endpoint, formatEndpoint } from "../../src/transport/endpoint.ts";

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function listen(): Promise<Endpoint> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { kind: "tcp", host: "127.0.0.1", port: (server.address() as { port: number }).port };
}

/** A port that is no longer listened on. */
async function refused(): Promise<Endpoint> {
  const endpoint = await listen();
  const server = servers.pop() as Server;
  server.close();
  await once(server, "close");
  return endpoint;
}

interface OpenOptions extends Partial<ConnectorOptions> {
  readonly signal?: AbortSignal;
  readonly onEvent?: (text: string) => void;
}

function openFirst(endpoints: readonly Endpoint[], options: OpenOptions = {}) {
  const { signal = new AbortController().signal, onEvent } = options;
  const route = {
    connectTimeoutMs: 60_000,
    env: {},
    groups: new Set<number>(),
    signalGroup: () => {},
    sayAll: async () => {},
    ...options,
  };
  return new Connector(route).open(endpoints, signal, onEvent);
}

test("the next endpoint is tried only if no connection was made", async () => {
  const [dead, live] = [await refused(), await listen()];
  const events: string[] = [];
  const opened = await openFirst([dead, live, await refused()], {
    onEvent: (text) => events.push(text),
  });
  opened.connection.destroy();
  expect(opened.server).toMatchObject({ endpoint: formatEndpoint(live), address: "127.0.0.1" });
  expect(events.filter((text) => text.startsWith("connecting")).length).toBe(2);
});

test("if none can be reached, each is named with its reason", async () => {
  const dead = await refused();
  const port = dead.kind === "tcp" ? dead.port : 0;
  const nowhere: Endpoint = { kind: "unix", path: "/nonexistent/socket" };
  await expect(openFirst([dead, nowhere])).rejects.toMatchObject({
    code: "connect-failed",
    fault: "transport",
    message:
      `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1); ` +
      "cannot connect to unix:/nonexistent/socket: no such file or directory",
  });
});

describe("of several reasons", () => {
  /** A server that closes the connection in the TLS handshake, which counts as permanent. */
  const withoutTls = async (): Promise<Endpoint> => ({ ...(await listen()), kind: "tls" }) as Endpoint;
  const tls = { context: createSecureContext(), servername: undefined, pins: [], insecure: false };

  test("a temporary one gives the code, wherever it is", async () => {
    const [away, clear] = [await refused(), await withoutTls()];
    for (const endpoints of [
      [away, clear],
      [clear, away],
      [clear, away, clear],
    ]) {
      await expect(openFirst(endpoints, { tls })).rejects.toMatchObject({
        code: "connect-failed",
        fault: "transport",
      });
    }
  });

  test("the last gives it if none is temporary", async () => {
    const clear = await withoutTls();
    await expect(openFirst([clear, clear], { tls })).rejects.toMatchObject({ code: "tls-failed" });
  });
});

test("connections leave no listeners on the signal, whether they are made or not", async () => {
  const { signal } = new AbortController();
  const opened = await openFirst([await refused(), await listen()], { signal });
  opened.connection.destroy();
  await expect(openFirst([await refused()], { signal })).rejects.toThrow("connection refused");
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

test("a unix socket has no address", async () => {
  const folder = mkdtempSync(join(tmpdir(), "qmtp-test-"));
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  await once(server.listen(join(folder, "socket")), "listening");
  const opened = await openFirst([{ kind: "unix", path: join(folder, "socket") }]);
  opened.connection.destroy();
  expect(opened.server).toMatchObject({ address: null, port: null });
  rmSync(folder, { recursive: true });
});

test("all addresses of a host are tried", async () => {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  // Only on IPv4, though localhost may be ::1 first.
  await once(server.listen(0, "127.0.0.1"), "listening");
  const port = (server.address() as { port: number }).port;
  const opened = await openFirst([{ kind: "tcp", host: "localhost", port }]);
  opened.connection.destroy();
  expect(opened.server.address).toBe("127.0.0.1");
});

test("the time to connect is bounded", async () => {
  const endpoint = await listen();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    const opening = openFirst([endpoint]);
    // Before the system has had a chance to connect.
    vi.advanceTimersByTime(60_000);
    await expect(opening).rejects.toMatchObject({
      code: "connect-timeout",
      message: expect.stringMatching(
        /^cannot connect to qmtp:\/\/127\.0\.0\.1:\d+: no connection within 60 s$/,
      ),
    });
  } finally {
    vi.useRealTimers();
  }
});

test("connecting can be interrupted, and no other endpoint is tried", async () => {
  const stop = new AbortController();
  const events: string[] = [];
  const opening = openFirst([await listen(), await listen()], {
    signal: stop.signal,
    onEvent: (text) => events.push(text),
  });
  stop.abort(new Error("SIGINT"));
  await expect(opening).rejects.toThrow("SIGINT");
  expect(events.length).toBe(1);
});
