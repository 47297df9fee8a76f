import { createServer as createPlainServer, type Server, type Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import {
  MIN_VERSION,
  type ReadPem,
  readCertificates,
  readIdentity,
  readPem,
} from "../transport/tls-settings.ts";
import type { Kinds } from "./misbehaviour.ts";

/** The server's certificate and key, and the CAs whose client certificates it requires. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly issuers: readonly string[] | undefined;
}

export interface TlsServerEvents {
  readonly onConnection: (socket: Socket) => void;
  /** Called when the handshake with a client failed. */
  readonly onFailure: (socket: TLSSocket, error: Error) => void;
}

/**
 * Reads certificates and key from PEM files.
 * @throws {QmtpError} unreadable-configuration
 */
export function readServerTls(
  certFile: string,
  keyFile: string,
  issuersFile: string | undefined,
  read: ReadPem = readPem,
): ServerTls {
  const issuers = issuersFile === undefined ? undefined : readCertificates(issuersFile, read);
  return { ...readIdentity(certFile, keyFile, read), issuers };
}

/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

export function createTlsServer(
  { cert, key, issuers }: ServerTls,
  kinds: Kinds,
  events: TlsServerEvents,
): Server {
  const server = createServer(
    {
      allowHalfOpen: true,
      noDelay: true,
      ...(kinds.has("old-tls") ? OLD_VERSIONS : { minVersion: MIN_VERSION }),
      cert,
      key,
      ...(issuers && { ca: [...issuers], requestCert: true, rejectUnauthorized: true }),
    },
    events.onConnection,
  );
  server.on("tlsClientError", (error, socket) => events.onFailure(socket, error));
  return kinds.has("clear-text") ? alsoInTheClear(server, events) : server;
}

/** OpenSSL has these versions only without its minimum of security. */
const OLD_VERSIONS = { minVersion: "TLSv1", ciphers: "DEFAULT:@SECLEVEL=0" } as const;

/** A server that takes what is not TLS for QMTP. */
function alsoInTheClear(server: Server, { onConnection }: TlsServerEvents): Server {
  return createPlainServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on("error", () => {});
    socket.once("readable", () => {
      const first: Buffer | null = socket.read();
      if (first === null) return;
      socket.unshift(first);
      if (first[0] === HANDSHAKE) server.emit("connection", socket);
      else onConnection(socket);
    });
  });
}
