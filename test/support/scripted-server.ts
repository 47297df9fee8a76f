import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface ScriptedServer {
  /** In the form that `--server` accepts. */
  readonly endpoint: string;
  readonly port: number;
  /** Count of clients that have connected. */
  readonly connections: number;
  /** Everything that clients have sent, one after another. */
  readonly received: Buffer;
}

export interface Script {
  /** The loopback address to listen on, if not 127.0.0.1. */
  readonly host?: string;
  /** Sent verbatim to each client. */
  readonly reply?: string | Uint8Array;
  /** Sent after this many bytes from a client; usually its package, as written out in the test. */
  readonly after?: number;
  /** Closes the connection after the reply. */
  readonly close?: boolean;
}

/** A server in this process that sends bytes written by hand. It ends with the test. */
export async function startScriptedServer(script: Script = {}): Promise<ScriptedServer> {
  const { host = "127.0.0.1", reply, after = 0, close = false } = script;
  const chunks: Buffer[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let length = 0;
    let replied = reply === undefined;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      length += chunk.length;
      if (replied || length < after) return;
      replied = true;
      socket.write(reply as string);
      if (close) socket.end();
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `${host}:${port}`,
    port,
    get connections() {
      return sockets.length;
    },
    get received() {
      return Buffer.concat(chunks);
    },
  };
}

/** A loopback port with no listener: it was free a moment ago. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
