import type { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, connect, type TLSSocket } from "node:tls";
import { CommandError } from "../errors.ts";
import { makeAttentive } from "./attentive.ts";
import type { Route } from "./connector.ts";
import { formatEndpoint, type HostEndpoint } from "./endpoint.ts";
import { Pair } from "./pair.ts";
import { pinOf, type TlsSession, type TlsSettings } from "./tls-settings.ts";
import { distrust, handshakeFailure, inTlsWords } from "./tls-words.ts";

export interface Secured {
  readonly connection: Duplex;
  readonly session: TlsSession;
}

/**
 * Speaks TLS from here on, with a server whose certificate is what it should be: chain, name, dates, and one of the
 * keys that were pinned. Nothing of ours is sent before that is certain.
 * @throws {CommandError} tls-failed, tls-untrusted; or what the signal was aborted with
 */
export async function startTls(
  socket: Socket,
  endpoint: HostEndpoint,
  { tls: settings, tell }: Pick<Route, "tls" | "tell">,
  signal: AbortSignal,
  note: ((text: string) => void) | undefined,
): Promise<Secured> {
  if (settings === undefined) throw new TypeError("TLS was never set up");
  const name = settings.servername ?? endpoint.host.replace(/%.*/, "");
  const connection = connect({
    socket,
    host: name,
    // A name that is an address is not for SNI (RFC 6066, section 3).
    servername: isIP(name) ? "" : name,
    secureContext: settings.context,
    // The verdict is passed below, with the certificate at hand to say what is wrong with it.
    rejectUnauthorized: false,
  });
  await handshake(connection, endpoint, signal);
  makeAttentive(connection);
  const certificate = connection.getPeerX509Certificate();
  const why = untrusted(connection, certificate, name, settings);
  if (why !== undefined) {
    connection.destroy();
    throw failure(endpoint, why, "tls-untrusted");
  }
  if (settings.insecure) {
    void tell([`the certificate of ${formatEndpoint(endpoint)} is not verified (--insecure)`]);
  }
  const session = {
    version: connection.getProtocol(),
    cipher: connection.getCipher().standardName,
    verified: !settings.insecure,
  };
  note?.(`${session.version} with ${session.cipher}`);
  note?.(
    `certificate: ${certificate ? describe(certificate) : "none"}${session.verified ? "" : "; not verified"}`,
  );
  // Node tells errors of TLS without closing the connection, in words for those who know OpenSSL.
  return { connection: new Pair(connection, connection, { inWords: inTlsWords }), session };
}

/** What is wrong with the server, and how to trust it on purpose. */
function untrusted(
  connection: TLSSocket,
  certificate: X509Certificate | undefined,
  name: string,
  { pins, insecure }: TlsSettings,
): string | undefined {
  if (certificate === undefined) {
    return insecure && pins.length === 0 ? undefined : "the server has no certificate";
  }
  const pin = pinOf(certificate);
  if (!insecure && !connection.authorized) {
    // Node gives only the code of a wrong name, and does not look at the name before the chain holds.
    const wrongName = checkServerIdentity(name, certificate.toLegacyObject());
    return distrust(String(connection.authorizationError), certificate, name, wrongName, pin);
  }
  if (pins.length === 0 || pins.includes(pin)) return undefined;
  return `the server's public key is not the one that is pinned; trust it with --pinnedpubkey sha256//${pin}`;
}

function handshake(connection: TLSSocket, endpoint: HostEndpoint, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => connection.destroy(signal.reason);
    const failed = (error: Error) => {
      signal.removeEventListener("abort", abort);
      reject(signal.aborted ? signal.reason : failure(endpoint, handshakeFailure(error), "tls-failed"));
    };
    // Stays: an error before somebody else listens must not end the process.
    connection.once("error", failed);
    connection.once("secureConnect", () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}

function failure(endpoint: HostEndpoint, why: string, code: "tls-failed" | "tls-untrusted"): CommandError {
  const message = `cannot connect to ${formatEndpoint(endpoint)}: ${why}`;
  return new CommandError(message, { code, fault: "remote" });
}

function describe({ subject, issuer, validTo }: X509Certificate): string {
  const inLine = (names: string | undefined) => (names ?? "").replaceAll("\n", ", ");
  return `${inLine(subject)}; issued by ${inLine(issuer)}; valid until ${validTo}`;
}
