import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface ScriptedServer {
  /** As `--server` takes it. */
  readonly endpoint: string;
  readonly port: number;
  /** Clients that have connected. */
  readonly connections: number;
  /** What the clients have sent, one after the other. */
  readonly received: Buffer;
}

export interface Script {
  /** What it sends, as it stands, to each client. */
  readonly reply?: string | Uint8Array;
  /** After so many bytes from a client; the client's package as a test has written it out, usually. */
  readonly after?: number;
  /** Closes the connection behind the reply. */
  readonly close?: boolean;
}

/** A server in this process that sends bytes written by hand. It ends with the test. */
export async function startScriptedServer(script: Script = {}): Promise<ScriptedServer> {
  const { reply, after = 0, close = false } = script;
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
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `127.0.0.1:${port}`,
    port,
    get connections() {
      return sockets.length;
    },
    get received() {
      return Buffer.concat(chunks);
    },
  };
}

/** A port of the loopback on which nobody listens: it was free a moment ago. */
export async function unusedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
