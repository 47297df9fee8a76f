import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Bytes that have passed, from each side. */
export interface Passed {
  readonly client: number;
  readonly server: number;
}

export interface Cut {
  /** How many more bytes may pass from this side; any more are lost, and the connection with them. */
  readonly room: (from: keyof Passed, passed: Passed) => number;
  /** Resets the connection to the client instead of closing it. */
  readonly reset?: boolean;
}

/** A proxy in this process, in front of a loopback endpoint, that cuts connections. It ends with the test. */
export async function startCuttingProxy(endpoint: string, { room, reset = false }: Cut): Promise<string> {
  const sockets: Socket[] = [];
  const proxy = createServer((client) => {
    const server = connect(Number(/\d+$/.exec(endpoint)?.[0]), "127.0.0.1");
    sockets.push(client, server);
    const passed = { client: 0, server: 0 };
    let cut = false;
    const pass = (from: keyof Passed, other: Socket) => (chunk: Buffer) => {
      if (cut) return;
      const some = chunk.subarray(0, Math.min(chunk.length, room(from, passed)));
      passed[from] += some.length;
      cut = some.length < chunk.length;
      other.write(some, () => {
        if (!cut) return;
        server.destroy();
        if (reset) client.resetAndDestroy();
        else client.destroy();
      });
    };
    client.on("data", pass("client", server)).on("error", () => {});
    server.on("data", pass("server", client)).on("error", () => {});
    client.on("close", () => server.destroy());
    server.on("close", () => client.end());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    proxy.close();
  });
  return `qmtps://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}
