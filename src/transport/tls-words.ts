import type { X509Certificate } from "node:crypto";
import { ConnectionRefused, reason, systemCode } from "../errors.ts";

/**
 * Why a certificate does not verify, for which name, and how to trust it on purpose.
 * @param code of OpenSSL (verify(1), "Diagnostics") or of Node
 * @param wrongName what is wrong with its names
 * @param pin SHA-256 of its public key in base64
 */
export function distrust(
  code: string,
  certificate: X509Certificate,
  name: string,
  wrongName: Error | undefined,
  pin: string,
): string {
  const ofName = code === "ERR_TLS_CERT_ALTNAME_INVALID";
  const names = certificate.subjectAltName ?? certificate.subject?.replaceAll("\n", ", ") ?? "nobody";
  const alsoName = wrongName === undefined || ofName ? "" : `, and it is for ${names}`;
  const why = ofName ? `it is for ${names}` : `${chainWords(code, certificate)}${alsoName}`;
  const only = `only this key with --insecure --pinnedpubkey sha256//${pin}`;
  const remedy = ofName
    ? `name one of these with --tls-servername, or trust ${only}`
    : WHOEVER_ISSUED_IT.includes(code)
      ? `trust ${only}`
      : `trust its issuer with --cacert <file>, or ${only}`;
  return `the certificate does not hold for '${name}': ${why}; ${remedy}`;
}

/** Faults of a certificate that no trust in its issuer mends. */
const WHOEVER_ISSUED_IT = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "INVALID_PURPOSE"];

function chainWords(code: string, { issuer, validFrom, validTo }: X509Certificate): string {
  const by = (issuer ?? "nobody").replaceAll("\n", ", ");
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return `it, or an issuer's, has expired (its own last day is ${validTo})`;
    case "CERT_NOT_YET_VALID":
      return `it is not valid before ${validFrom}`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "it is signed by itself";
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return `its chain ends at a root that is not known here (issued by ${by})`;
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return `its issuer is not known here (${by})`;
    case "INVALID_PURPOSE":
      return "it is not for servers";
    default:
      return code.toLowerCase().replaceAll("_", " ");
  }
}

/** Alerts with which a server refuses us for the certificate that we have, or have not. */
const ABOUT_OURS: Readonly<Record<string, string>> = {
  ACCESS_DENIED: "the server denies access to our certificate (--cert)",
  BAD_CERTIFICATE: "the server refuses our certificate (--cert), or the lack of it",
  CERTIFICATE_EXPIRED: "the server says that our certificate (--cert) has expired",
  CERTIFICATE_REQUIRED: "the server demands a client certificate: give --cert and --key",
  CERTIFICATE_REVOKED: "the server says that our certificate (--cert) is revoked",
  CERTIFICATE_UNKNOWN: "the server refuses our certificate (--cert)",
  UNKNOWN_CA: "the server does not know the issuer of our certificate (--cert)",
  UNSUPPORTED_CERTIFICATE: "the server refuses our kind of certificate (--cert)",
};

const NOT_TLS = [
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_BAD_RECORD_TYPE",
  "ERR_SSL_UNSUPPORTED_RECORD_TYPE",
  "ERR_SSL_HTTP_REQUEST",
];

/** Why there is no TLS. */
export function handshakeFailure(error: Error): string {
  const code = systemCode(error) ?? "";
  const alert = alertOf(error);
  if (alert !== undefined && alert in ABOUT_OURS) return ABOUT_OURS[alert] as string;
  if (alert === "PROTOCOL_VERSION" || code === "ERR_SSL_UNSUPPORTED_PROTOCOL") {
    return "the server has no TLS 1.2 or newer";
  }
  if (alert === "HANDSHAKE_FAILURE") {
    return "the server has no cipher in common with us, or demands a client certificate (--cert)";
  }
  if (NOT_TLS.includes(code)) return "the server does not speak TLS on this port; in the clear it is qmtp://";
  if (["ECONNRESET", "EPIPE", "ECONNABORTED"].includes(code)) {
    return "the server closed the connection in the TLS handshake; if it speaks in the clear, use qmtp://";
  }
  return `the TLS handshake failed: ${reason(error)}`;
}

/**
 * What ends a connection after the handshake. With TLS 1.3 that is also where a server refuses our certificate:
 * it has read nothing by then.
 */
export function inTlsWords(error: Error): Error {
  const alert = alertOf(error);
  if (alert !== undefined && alert in ABOUT_OURS) return new ConnectionRefused(ABOUT_OURS[alert] as string);
  return error;
}

function alertOf(error: Error): string | undefined {
  return /_ALERT_([A-Z_]+)$/.exec(systemCode(error) ?? "")?.[1];
}
