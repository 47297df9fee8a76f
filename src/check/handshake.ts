import type { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { onAbort } from "../io/abort.ts";
import type { HostEndpoint } from "../transport/endpoint.ts";
import { Undecided } from "./outcome.ts";
import type { Probe } from "./probe.ts";

function tlsEndpoint({ subject: { endpoint } }: Probe): HostEndpoint {
  if (endpoint.kind !== "tls") throw new TypeError("TLS cases are for endpoints with TLS");
  return endpoint;
}

export function inTheClear(probe: Probe): HostEndpoint {
  return { ...tlsEndpoint(probe), kind: "tcp" };
}

/** What a handshake shows of a server. */
export interface Shaken {
  readonly certificate: X509Certificate;
  readonly authorized: boolean;
  readonly error: string;
  readonly version: string | null;
  readonly name: string;
}

/** A handshake that accepts any certificate. @throws {Undecided} */
export async function handshake(probe: Probe, options: ConnectionOptions = {}): Promise<Shaken> {
  const { tls: settings } = probe.subject;
  const endpoint = tlsEndpoint(probe);
  const name = settings?.servername ?? endpoint.host.replace(/%.*/, "");
  const socket = await probe.connect(inTheClear(probe));
  const own = settings === undefined ? {} : { secureContext: settings.context };
  const connection = connect({
    socket,
    host: name,
    servername: isIP(name) ? "" : name,
    rejectUnauthorized: false,
    // Another case is about the name.
    checkServerIdentity: () => undefined,
    ...(Object.keys(options).length > 0 ? options : own),
  });
  const stopListening = onAbort(probe.subject.signal, () => connection.destroy());
  try {
    await secured(connection, socket, probe.subject.timeoutMs);
    const certificate = connection.getPeerX509Certificate();
    if (certificate === undefined) throw new Undecided("the server has no certificate");
    const { authorized, authorizationError } = connection;
    const version = connection.getProtocol();
    return { certificate, authorized, error: String(authorizationError), version, name };
  } finally {
    stopListening();
    connection.destroy();
  }
}

function secured(connection: TLSSocket, socket: Duplex, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const expired = setTimeout(() => failed(`nothing for ${ms / 1_000} s`, true), ms);
    function failed(why: string, late = false) {
      clearTimeout(expired);
      reject(new Undecided(`no TLS: ${why}`, late));
    }
    connection.on("error", (error) => failed(error.message));
    socket.once("close", () => failed("the connection was closed"));
    connection.once("secureConnect", () => {
      clearTimeout(expired);
      resolve();
    });
  });
}
