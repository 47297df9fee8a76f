import type { Server } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { MIN_VERSION, readCertificates, readIdentity } from "../transport/tls-settings.ts";

/** What a server identifies itself with, and whose certificates it demands from clients. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly issuers: readonly string[] | undefined;
}

export interface TlsServerEvents {
  readonly onConnection: (socket: TLSSocket) => void;
  /** The handshake with a client failed. */
  readonly onFailure: (socket: TLSSocket, error: Error) => void;
}

/**
 * Reads PEM files.
 * @throws {QmtpError} unreadable-configuration
 */
export function readServerTls(certFile: string, keyFile: string, issuersFile: string | undefined): ServerTls {
  const issuers = issuersFile === undefined ? undefined : readCertificates(issuersFile);
  return { ...readIdentity(certFile, keyFile), issuers };
}

export function createTlsServer({ cert, key, issuers }: ServerTls, events: TlsServerEvents): Server {
  const server = createServer(
    {
      allowHalfOpen: true,
      noDelay: true,
      minVersion: MIN_VERSION,
      cert,
      key,
      ...(issuers && { ca: [...issuers], requestCert: true, rejectUnauthorized: true }),
    },
    events.onConnection,
  );
  server.on("tlsClientError", (error, socket) => events.onFailure(socket, error));
  return server;
}
