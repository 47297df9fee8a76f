import type { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, connect, type TLSSocket } from "node:tls";
import { QmtpError } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { formatEndpoint, type HostEndpoint } from "./endpoint.ts";
import { keepReading } from "./keep-reading.ts";
import { Pair } from "./pair.ts";
import { certificateProblem, explainAlert, handshakeProblem, type TlsProblem } from "./tls-errors.ts";
import { pinOf, type ServerCertificate, type TlsSession, type TlsSettings } from "./tls-settings.ts";

export interface TlsConnection {
  readonly connection: Duplex;
  readonly session: TlsSession;
  /** Null if the server has none. */
  readonly certificate: ServerCertificate | null;
}

interface StartTlsOptions {
  readonly tls?: TlsSettings | undefined;
  readonly sayAll: (lines: readonly string[]) => Promise<void>;
}

/**
 * Does the TLS handshake and verifies the server: the chain, name and dates of its certificate, and the pinned keys.
 * No mail is sent before that.
 * @throws {QmtpError} tls-failed, tls-untrusted; or what the signal was aborted with
 */
export async function startTls(
  socket: Socket,
  endpoint: HostEndpoint,
  { tls: settings, sayAll }: StartTlsOptions,
  signal: AbortSignal,
  note: ((text: string) => void) | undefined,
): Promise<TlsConnection> {
  if (settings === undefined) throw new TypeError("TLS was never set up");
  const name = settings.servername ?? endpoint.host.replace(/%.*/, "");
  const connection = connect({
    socket,
    host: name,
    // SNI does not allow addresses (RFC 6066, section 3).
    servername: isIP(name) ? "" : name,
    secureContext: settings.context,
    // `trustProblem` verifies the certificate after the handshake, when the error can say what is wrong with it.
    rejectUnauthorized: false,
  });
  await handshake(connection, endpoint, signal);
  keepReading(connection);
  const certificate = connection.getPeerX509Certificate();
  const problem = trustProblem(connection, certificate, name, settings);
  if (problem !== undefined) {
    connection.destroy();
    throw tlsError(endpoint, problem, "tls-untrusted");
  }
  if (settings.insecure) void sayAll([`the certificate of ${formatEndpoint(endpoint)} is not verified`]);
  const session = {
    version: connection.getProtocol(),
    cipher: connection.getCipher().standardName,
    verified: !settings.insecure,
  };
  note?.(`${session.version} with ${session.cipher}`);
  note?.(
    `certificate: ${certificate ? certificateLine(certificate) : "none"}${session.verified ? "" : "; not verified"}`,
  );
  // Node passes TLS errors on in OpenSSL's words, and does not close the connection.
  return {
    connection: new Pair(connection, connection, { explain: explainAlert }),
    session,
    certificate: certificate === undefined ? null : factsOf(certificate),
  };
}

/** Why the server is not trusted, or undefined if it is. */
function trustProblem(
  connection: TLSSocket,
  certificate: X509Certificate | undefined,
  name: string,
  { pins, insecure }: TlsSettings,
): TlsProblem | undefined {
  if (certificate === undefined) {
    return insecure && pins.length === 0 ? undefined : { why: "the server has no certificate" };
  }
  const pin = pinOf(certificate);
  if (!insecure && !connection.authorized) {
    // For a wrong name, Node gives only a code; and it checks the name only if the chain is valid.
    const wrongName = checkServerIdentity(name, certificate.toLegacyObject());
    return certificateProblem(String(connection.authorizationError), certificate, name, wrongName, pin);
  }
  if (pins.length === 0 || pins.includes(pin)) return undefined;
  return { why: "the server's public key is not the pinned one", hint: { kind: "pinned-key", pin } };
}

function handshake(connection: TLSSocket, endpoint: HostEndpoint, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    // Stays attached: an error before the session listens must not crash the process.
    connection.once("error", (error) => {
      stopListening();
      reject(signal.aborted ? signal.reason : tlsError(endpoint, handshakeProblem(error), "tls-failed"));
    });
    connection.once("secureConnect", () => {
      stopListening();
      resolve();
    });
    const stopListening = onAbort(signal, () => connection.destroy(signal.reason));
  });
}

function tlsError(
  endpoint: HostEndpoint,
  { why, hint }: TlsProblem,
  code: "tls-failed" | "tls-untrusted",
): QmtpError {
  return new QmtpError(code, `cannot connect to ${formatEndpoint(endpoint)}: ${why}`, { hint });
}

function factsOf({ subject, subjectAltName, validTo }: X509Certificate): ServerCertificate {
  return { subject: inLine(subject) || (subjectAltName ?? ""), validTo: Date.parse(validTo) };
}

function inLine(names: string | undefined): string {
  return (names ?? "").replaceAll("\n", ", ");
}

function certificateLine({ subject, issuer, validTo }: X509Certificate): string {
  return `${inLine(subject)}; issued by ${inLine(issuer)}; valid until ${validTo}`;
}
