import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import { QmtpError, reason, unreadable, usageError } from "../errors.ts";

/** The TLS parameters of a connection, as results show them. */
export interface TlsSession {
  /** TLSv1.3, for example. */
  readonly version: string | null;
  /** The cipher suite, as OpenSSL names it. */
  readonly cipher: string;
  /** Whether the chain, name and dates of the server's certificate are valid. */
  readonly verified: boolean;
}

/** What people want to know about a server's certificate. */
export interface ServerCertificate {
  /** `CN=mx.example.org`, for example; the names that it is for, if it has no subject. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly validTo: number;
}

/** How to verify servers, and the certificate to present. */
export interface TlsSettings {
  readonly context: SecureContext;
  /** The name that the certificate must be valid for, if not the endpoint's host. */
  readonly servername: string | undefined;
  /** SHA-256 of public keys in base64: the server must have one of these keys. If empty, any key is accepted. */
  readonly pins: readonly string[];
  readonly insecure: boolean;
}

/** How servers are verified, and how the client identifies itself. Files are in PEM. */
export interface ClientTlsOptions {
  /** The file of the only issuers to trust. */
  readonly cacert?: string | undefined;
  /** The file of the client's certificate, followed by those of its issuers. */
  readonly cert?: string | undefined;
  /** The file of its key; by default the same file. */
  readonly key?: string | undefined;
  /** The name that the server's certificate must have, if not the endpoint's host. */
  readonly servername?: string | undefined;
  /** The server must have one of these public keys: `sha256//...;sha256//...`, as curl writes them. */
  readonly pinnedpubkey?: string | undefined;
  /** Do not verify the server's certificate. */
  readonly insecure?: boolean | undefined;
}

/** Reads a file. A caller whose files may keep it waiting, such as named pipes, reads them first. */
export type ReadPem = (file: string) => string;

/** Older versions are broken (RFC 8996). */
export const MIN_VERSION = "TLSv1.2";

/** @throws {QmtpError} usage; unreadable-configuration, if a file cannot be read or has the wrong content */
export function readTlsSettings(
  { cacert, cert, key, servername, pinnedpubkey, insecure }: ClientTlsOptions,
  read: ReadPem = readPem,
): TlsSettings {
  return {
    context: createSecureContext({
      minVersion: MIN_VERSION,
      ...(cacert !== undefined && { ca: readCertificates(cacert, read) }),
      ...(cert !== undefined && readIdentity(cert, key ?? cert, read)),
    }),
    servername,
    pins: pinnedpubkey === undefined ? [] : readPins(pinnedpubkey),
    insecure: insecure === true,
  };
}

/**
 * A certificate, with those of its issuers, and its private key.
 * @throws {QmtpError} unreadable-configuration
 */
export function readIdentity(
  certFile: string,
  keyFile: string,
  read: ReadPem = readPem,
): { cert: string; key: string } {
  const cert = readCertificates(certFile, read).join("\n");
  const key = read(keyFile);
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch (error) {
    const why = /passphrase|interrupted or cancelled/i.test(reason(error))
      ? "contains a key with a passphrase; name one without"
      : "contains no private key in PEM form";
    throw configurationError(`${keyFile} ${why}`, error);
  }
  throw configurationError(`the key in ${keyFile} does not belong to the certificate in ${certFile}`);
}

/**
 * The certificates of a PEM file.
 * @throws {QmtpError} unreadable-configuration
 */
export function readCertificates(file: string, read: ReadPem = readPem): string[] {
  const found = read(file).match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw configurationError(`${file} contains no certificate in PEM form`);
  try {
    for (const pem of found) new X509Certificate(pem);
  } catch (error) {
    throw configurationError(`${file} contains a broken certificate: ${reason(error)}`, error);
  }
  return found;
}

/** SHA-256 of the public key in base64, the form that curl uses. */
export function pinOf(certificate: X509Certificate): string {
  const key = certificate.publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest("base64");
}

function readPins(text: string): string[] {
  return text.split(";").map((pin) => {
    const [, hash] = /^sha256\/\/([A-Za-z0-9+/]{43}=)$/.exec(pin) ?? [];
    if (hash !== undefined) return hash;
    throw usageError(
      `'${pin}' is not a pin: write sha256// and the SHA-256 of the server's public key in base64, as curl does`,
    );
  });
}

/** @throws {QmtpError} unreadable-configuration */
export function readPem(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch (error) {
    throw configurationError(unreadable(file, error).message, error);
  }
}

function configurationError(message: string, cause?: unknown): QmtpError {
  return new QmtpError("unreadable-configuration", message, { cause });
}
