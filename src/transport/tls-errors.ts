import type { X509Certificate } from "node:crypto";
import { type Hint, QmtpError, reason, systemCode } from "../errors.ts";

/** Why TLS failed, with a hint from which the remedy follows. */
export interface TlsProblem {
  readonly why: string;
  readonly hint?: Hint;
}

/**
 * Why a certificate is not valid for a name.
 * @param code an OpenSSL (verify(1), "Diagnostics") or Node error code
 * @param wrongName what is wrong with the certificate's names
 * @param pin SHA-256 of the certificate's public key in base64
 */
export function certificateProblem(
  code: string,
  certificate: X509Certificate,
  name: string,
  wrongName: Error | undefined,
  pin: string,
): TlsProblem {
  const ofName = code === "ERR_TLS_CERT_ALTNAME_INVALID";
  const names = certificate.subjectAltName ?? certificate.subject?.replaceAll("\n", ", ") ?? "no name";
  const alsoName = wrongName === undefined || ofName ? "" : `, and it is for ${names}`;
  const why = ofName ? `it is for ${names}` : `${describeChainError(code, certificate)}${alsoName}`;
  const kind = ofName
    ? "certificate-name"
    : NOT_MENDED_BY_TRUST.includes(code)
      ? "trust-key"
      : "trust-issuer";
  return { why: `certificate not valid for '${name}': ${why}`, hint: { kind, pin } };
}

/** Problems of a certificate that trusting its issuer does not solve. */
const NOT_MENDED_BY_TRUST = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "INVALID_PURPOSE"];

function describeChainError(code: string, { issuer, validFrom, validTo }: X509Certificate): string {
  const by = (issuer ?? "no issuer").replaceAll("\n", ", ");
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return `it or its issuer's certificate has expired (its own is valid until ${validTo})`;
    case "CERT_NOT_YET_VALID":
      return `not valid before ${validFrom}`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "self-signed";
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return `untrusted root, self-signed (${by})`;
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return `unknown issuer (${by})`;
    case "INVALID_PURPOSE":
      return "it is not for servers";
    default:
      return code.toLowerCase().replaceAll("_", " ");
  }
}

/** The alerts with which a server rejects our certificate, or the lack of one. */
const CLIENT_CERTIFICATE_ALERTS: Readonly<Record<string, TlsProblem & { readonly hint: Hint }>> = {
  ACCESS_DENIED: ownCertificate("the server denies access to our certificate"),
  BAD_CERTIFICATE: ownCertificate("the server refuses our certificate, or the lack of one"),
  CERTIFICATE_EXPIRED: ownCertificate("the server says that our certificate has expired"),
  CERTIFICATE_REQUIRED: {
    why: "the server requires a client certificate",
    hint: { kind: "needs-certificate" },
  },
  CERTIFICATE_REVOKED: ownCertificate("the server says that our certificate is revoked"),
  CERTIFICATE_UNKNOWN: ownCertificate("the server refuses our certificate"),
  UNKNOWN_CA: ownCertificate("the server does not know the issuer of our certificate"),
  UNSUPPORTED_CERTIFICATE: ownCertificate("the server refuses our kind of certificate"),
};

function ownCertificate(why: string) {
  return { why, hint: { kind: "own-certificate" } } as const;
}

const NOT_TLS = [
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_BAD_RECORD_TYPE",
  "ERR_SSL_UNSUPPORTED_RECORD_TYPE",
  "ERR_SSL_HTTP_REQUEST",
];

/** Why the handshake failed. */
export function handshakeProblem(error: Error): TlsProblem {
  const code = systemCode(error) ?? "";
  const alert = alertOf(error);
  const refusal = CLIENT_CERTIFICATE_ALERTS[alert ?? ""];
  if (refusal !== undefined) return refusal;
  if (alert === "PROTOCOL_VERSION" || code === "ERR_SSL_UNSUPPORTED_PROTOCOL") {
    return { why: "the server does not support TLS 1.2 or newer" };
  }
  if (alert === "HANDSHAKE_FAILURE") {
    const why = "no cipher in common with the server, or it requires a client certificate";
    return { why, hint: { kind: "maybe-needs-certificate" } };
  }
  if (NOT_TLS.includes(code)) {
    return { why: "the server does not speak TLS on this port", hint: { kind: "clear-text" } };
  }
  if (["ECONNRESET", "EPIPE", "ECONNABORTED"].includes(code)) {
    return { why: "the server closed the connection in the TLS handshake", hint: { kind: "clear-text" } };
  }
  return { why: `the TLS handshake failed: ${reason(error)}` };
}

/**
 * Explains an alert after the handshake. With TLS 1.3, a server that rejects our certificate says so only then, and
 * before it has read anything.
 */
export function explainAlert(error: Error): Error {
  const { why, hint } = CLIENT_CERTIFICATE_ALERTS[alertOf(error) ?? ""] ?? {};
  return why === undefined ? error : new QmtpError("connection-refused", why, { hint });
}

function alertOf(error: Error): string | undefined {
  return /_ALERT_([A-Z_]+)$/.exec(systemCode(error) ?? "")?.[1];
}
