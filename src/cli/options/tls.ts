import { statSync } from "node:fs";
import type { Command } from "commander";
import { usageError } from "../../errors.ts";
import type { Environment } from "../../io/environment.ts";
import type { Patience } from "../../io/patience.ts";
import type { TlsSettings } from "../../transport/tls-settings.ts";
import { addGroup, option } from "./kinds.ts";

/** Files of certificates and keys, in PEM. Client and server commands share these options. */
export interface TlsFiles {
  readonly cert?: string;
  readonly key?: string;
  readonly cacert?: string;
}

/** TLS options of a client. */
export interface TlsOptions extends TlsFiles {
  readonly tlsServername?: string;
  readonly pinnedpubkey?: string;
  readonly insecure?: true;
}

/** @param cacert the description of --cacert */
export function declareTlsFiles(command: Command, cacert: string): void {
  addGroup(command, "tls", [
    option("--cacert <file>", cacert),
    option("--cert <file>", "our certificate in PEM, followed by those of its issuers"),
    option("--key <file>", "its key in PEM (default: in the --cert file)"),
  ]);
}

export function declareTls(command: Command): void {
  declareTlsFiles(command, "trust only these issuers, in PEM (or SSL_CERT_FILE)");
  addGroup(command, "tls", [
    option("--tls-servername <name>", "the name that the server's certificate must have"),
    option("--pinnedpubkey <hashes>", "accept only these public keys: sha256//...;sha256//..."),
    option("-k, --insecure", "do not verify the server's certificate; prints a warning"),
  ]);
}

/**
 * Refuses TLS options if no endpoint uses TLS: their user does not want to send in the clear.
 * @param used whether any endpoint uses TLS
 * @param remedy how to use TLS, for the message
 * @throws {QmtpError} usage
 */
export function checkTlsUse(options: TlsOptions, used: boolean, remedy: string): void {
  const { cacert, cert, key, tlsServername, pinnedpubkey, insecure } = options;
  const flags = { cacert, cert, key, "tls-servername": tlsServername, pinnedpubkey, insecure };
  const given = Object.entries(flags).find(([, value]) => value !== undefined);
  if (!used && given !== undefined) throw usageError(`--${given[0]} is for TLS: ${remedy}`);
  if (key !== undefined && cert === undefined) throw usageError("--key needs --cert");
}

/**
 * The TLS settings, or undefined if no endpoint uses TLS.
 * @throws {QmtpError} usage, unreadable-configuration, input-timeout
 */
export async function readTls(
  options: TlsOptions,
  used: boolean,
  env: Environment,
  patience: Patience,
): Promise<TlsSettings | undefined> {
  checkTlsUse(options, used, "name a server as qmtps://host");
  if (!used) return undefined;
  const { readTlsSettings } = await import("../../transport/tls-settings.ts");
  const { cert, key, tlsServername: servername, pinnedpubkey, insecure } = options;
  const cacert = options.cacert ?? (env.SSL_CERT_FILE || undefined);
  const read = await readSlowFiles([cacert, cert, key], patience);
  return readTlsSettings({ cacert, cert, key, servername, pinnedpubkey, insecure }, read);
}

/**
 * Reads those files that may keep us waiting for their writer, as `<(command)` in a shell does, so that a signal and the
 * time limit end the wait.
 * @returns what reads any of the files
 * @throws {QmtpError} unreadable-input, input-timeout
 */
export async function readSlowFiles(
  files: readonly (string | undefined)[],
  patience: Patience,
): Promise<(file: string) => string> {
  const { readPem } = await import("../../transport/tls-settings.ts");
  const contents = new Map<string, string>();
  for (const file of files) {
    if (file === undefined || contents.has(file) || !statSync(file, { throwIfNoEntry: false })?.isFIFO())
      continue;
    const { openForReading, inputStream } = await import("../../message/input.ts");
    const { wholeInput } = await import("../../message/whole-input.ts");
    const content = await wholeInput(await inputStream(openForReading(file)), file, patience);
    contents.set(file, content.toString("latin1"));
  }
  return (file) => contents.get(file) ?? readPem(file);
}
