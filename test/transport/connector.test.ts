import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { Connector, type Route } from "../../src/transport/connector.ts";
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

/** A port on which nobody listens any more. */
async function refused(): Promise<Endpoint> {
  const endpoint = await listen();
  const server = servers.pop() as Server;
  server.close();
  await once(server, "close");
  return endpoint;
}

interface OpenOptions extends Partial<Route> {
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
    tell: async () => {},
    ...options,
  };
  return new Connector(route).open(endpoints, signal, onEvent);
}

test("the next endpoint is tried only where no connection came about", async () => {
  const [dead, live] = [await refused(), await listen()];
  const events: string[] = [];
  const opened = await openFirst([dead, live, await refused()], {
    onEvent: (text) => events.push(text),
  });
  opened.connection.destroy();
  expect(opened.server).toMatchObject({ endpoint: formatEndpoint(live), address: "127.0.0.1" });
  expect(events.filter((text) => text.startsWith("connecting")).length).toBe(2);
});

test("where none can be reached, each is named with its reason", async () => {
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
  // Only on IPv4, while localhost may well be ::1 first.
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
    // Before the system has had a turn to connect.
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

test("connecting can be interrupted, and no further endpoint is tried", async () => {
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
