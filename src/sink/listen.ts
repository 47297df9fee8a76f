import { lstatSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { QmtpError, reason, systemCode } from "../errors.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint } from "../transport/endpoint.ts";

/** Where a server can listen. */
export type ListenEndpoint = HostEndpoint | (Endpoint & { readonly kind: "unix" });

/**
 * Listens on the endpoint. Replaces a Unix domain socket that a killed server left without a listener.
 * @throws {QmtpError} listen-failed
 */
export async function listen(server: Server, endpoint: ListenEndpoint): Promise<void> {
  try {
    await startListening(server, endpoint);
  } catch (error) {
    const stale = systemCode(error) === "EADDRINUSE" && endpoint.kind === "unix";
    if (!stale || !(await removeStale(endpoint.path))) throw listenFailed(endpoint, error);
    await startListening(server, endpoint).catch((again) => {
      throw listenFailed(endpoint, again);
    });
  }
}

/** The endpoint, with the port that the system chose if it was asked to. */
export function listeningOn(server: Server, endpoint: ListenEndpoint): string {
  const address = server.address();
  if (endpoint.kind === "unix" || address === null || typeof address === "string")
    return formatEndpoint(endpoint);
  return formatEndpoint({ ...endpoint, port: address.port });
}

function startListening(server: Server, endpoint: ListenEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const listening = () => {
      server.removeListener("error", failed);
      resolve();
    };
    const failed = (error: Error) => {
      server.removeListener("listening", listening);
      reject(error);
    };
    server.once("error", failed).once("listening", listening);
    if (endpoint.kind === "unix") server.listen({ path: endpoint.path });
    else server.listen({ host: endpoint.host, port: endpoint.port });
  });
}

function listenFailed(endpoint: ListenEndpoint, error: unknown): QmtpError {
  const message = `cannot listen on ${formatEndpoint(endpoint)}: ${reason(error)}`;
  return new QmtpError("listen-failed", message, { cause: error });
}

/** Removes a socket without a listener, and nothing else. @returns whether it did */
async function removeStale(path: string): Promise<boolean> {
  const socket = lstatSync(path, { throwIfNoEntry: false });
  if (!socket?.isSocket() || !(await isDeserted(path))) return false;
  try {
    // Another sink may have replaced it in the meantime.
    if (lstatSync(path).ino !== socket.ino) return false;
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Whether the socket has no listener: then the system refuses connections. A full queue gives another error. */
function isDeserted(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error) => resolve(systemCode(error) === "ECONNREFUSED"));
  });
}
