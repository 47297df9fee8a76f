import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** Connects to an endpoint in the form the sink prints. The connection ends with the test. */
export async function connectTo(endpoint: string): Promise<Socket> {
  const socket = endpoint.startsWith("unix:")
    ? connect(endpoint.slice("unix:".length))
    : connect(Number(endpoint.replace(/^.*:/, "")), "127.0.0.1");
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  socket.on("error", () => {});
  return socket;
}

/** What a server sends until it closes the connection. */
export async function everythingFrom(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(socket, "close");
  return Buffer.concat(chunks);
}

/** Sends these bytes and no more; returns the server's answer. */
export async function exchange(endpoint: string, bytes: string | Uint8Array): Promise<string> {
  const socket = await connectTo(endpoint);
  const answered = everythingFrom(socket);
  socket.end(bytes);
  return (await answered).toString("latin1");
}
