import { isIP } from "node:net";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { usageError } from "../errors.ts";
import { sanitise } from "../report/sanitise.ts";
import { writeLines } from "../report/write.ts";
import { Connector } from "../transport/connector.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { append, countOption, timeOption } from "./values.ts";

/** Where to send, and how to get there; times in milliseconds. */
export interface RouteOptions {
  readonly server?: readonly string[];
  readonly port?: number;
  readonly ipv4?: true;
  readonly ipv6?: true;
  readonly sourceIp?: string;
  readonly cacert?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly tlsServername?: string;
  readonly pinnedpubkey?: string;
  readonly insecure?: true;
  readonly connectTimeout: number;
}

/** What holds if nobody says otherwise. */
export interface RouteDefaults {
  /** In words. */
  readonly server: string;
  /** Seconds that connecting to each server may take. */
  readonly connectSeconds: number;
}

export const ROUTE_DEFAULTS: RouteDefaults = { server: "localhost:209", connectSeconds: 60 };

export function declareRoute(command: Command, defaults: RouteDefaults): Command {
  return command
    .option(
      "-s, --server <endpoint>",
      "where to send: host, host:port, [address]:port, qmtp://host:port, qmtps://host:port (TLS), unix:/path, " +
        "exec:command (a server as a child) or ucspi: (descriptors 6 and 7); may be repeated: " +
        `the next is tried only where none before could be reached (or QMTP_SERVER; default: ${defaults.server})`,
      append,
    )
    .addOption(
      countOption(
        command,
        "-p, --port <port>",
        "port of endpoints that name none (default: 209; TLS: 6209)",
        1,
        65_535,
      ),
    )
    .option("-4, --ipv4", "use IPv4 addresses only")
    .option("-6, --ipv6", "use IPv6 addresses only")
    .option("--source-ip <address>", "the address to connect from")
    .option("--cacert <file>", "with TLS: trust these issuers only, in PEM (or SSL_CERT_FILE)")
    .option("--cert <file>", "with TLS: our certificate, in PEM, its issuers behind it")
    .option("--key <file>", "with TLS: its key, in PEM (default: in the file of the certificate)")
    .option("--tls-servername <name>", "with TLS: the name that the server's certificate must have")
    .option(
      "--pinnedpubkey <hashes>",
      "with TLS: the server's public key must be one of sha256//...;sha256//...",
    )
    .option("-k, --insecure", "with TLS: do not verify the server's certificate, and say so")
    .addOption(
      timeOption(
        command,
        "--connect-timeout <s>",
        "seconds to connect to each server",
        defaults.connectSeconds,
      ),
    );
}

/**
 * The servers that are asked for, in their order.
 * @param otherwise those where neither options nor environment name one
 * @throws {CommandError} usage, and what `otherwise` throws
 */
export function serversOf(
  { server, port }: RouteOptions,
  env: Context["env"],
  otherwise: (port: number | undefined) => Endpoint[] = localhost,
): Endpoint[] {
  const named = server ?? fromEnvironment(env.QMTP_SERVER ?? "");
  return named.length === 0 ? otherwise(port) : named.map((text) => parseEndpoint(text, { port }));
}

export function localhost(port: number | undefined): Endpoint[] {
  return [parseEndpoint("localhost", { port })];
}

/** A command has spaces of its own: it stands alone. */
function fromEnvironment(text: string): string[] {
  const trimmed = text.trim();
  return trimmed.startsWith("exec:") ? [trimmed] : trimmed.split(/\s+/).filter((word) => word !== "");
}

/**
 * What connects to these endpoints, as the options say.
 * @throws {CommandError} usage; unreadable-configuration, for certificates and keys
 */
export async function connectorFor(
  endpoints: readonly Endpoint[],
  options: RouteOptions,
  context: Context,
): Promise<Connector> {
  return new Connector({
    connectTimeoutMs: options.connectTimeout,
    family: familyOf(options),
    sourceAddress: options.sourceIp,
    tls: await tlsOf(endpoints, options, context.env),
    env: context.env,
    groups: context.groups,
    signalGroup: context.signalGroup,
    tell: (lines) =>
      writeLines(
        context.stderr,
        lines.map((line) => `${context.name}: ${sanitise(line)}`),
      ),
  });
}

function familyOf({ ipv4, ipv6, sourceIp }: RouteOptions): 4 | 6 | undefined {
  if (ipv4 && ipv6) throw usageError("--ipv4 and --ipv6 exclude each other");
  const asked = ipv4 ? 4 : ipv6 ? 6 : undefined;
  if (sourceIp === undefined) return asked;
  const family = isIP(sourceIp.replace(/%.*/, ""));
  if (family === 0)
    throw usageError(`--source-ip does not take '${sourceIp}': write an IPv4 or IPv6 address`);
  if (asked !== undefined && asked !== family) {
    throw usageError(`--source-ip ${sourceIp} is an IPv${family} address, and --ipv${asked} excludes it`);
  }
  return family === 4 ? 4 : 6;
}

async function tlsOf(endpoints: readonly Endpoint[], options: RouteOptions, env: Context["env"]) {
  const { cacert, cert, key, tlsServername: servername, pinnedpubkey, insecure } = options;
  const asked = Object.entries({
    cacert,
    cert,
    key,
    "tls-servername": servername,
    pinnedpubkey,
    insecure,
  }).find(([, value]) => value !== undefined);
  if (!endpoints.some(({ kind }) => kind === "tls")) {
    if (asked === undefined) return undefined;
    // Whoever asks for it would not want to send in the clear.
    throw usageError(`--${asked[0]} is for TLS: name a server as qmtps://host`);
  }
  const { readTlsSettings } = await import("../transport/tls-settings.ts");
  const issuers = cacert ?? (env.SSL_CERT_FILE || undefined);
  return readTlsSettings({ cacert: issuers, cert, key, servername, pinnedpubkey, insecure });
}
