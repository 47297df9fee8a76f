import { isIP } from "node:net";
import type { RetryPolicy } from "../client/retry.ts";
import type { Route } from "../client/route.ts";
import { usageError } from "../errors.ts";
import { Connector } from "../transport/connector.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { type ClientTlsOptions, readTlsSettings } from "../transport/tls-settings.ts";
import { HOST } from "./host-program.ts";

/** How a `QmtpClient` reaches its server. All times are in milliseconds. */
export interface ClientOptions {
  /**
   * Endpoints, tried in turn until one connects: `mx.example.org`, `qmtp://192.0.2.1:209`, `qmtps://mx.example.org`
   * (TLS), `mx:example.org` (the QMTP exchangers of a domain), `unix:/path` or `exec:command`.
   */
  readonly server: string | readonly string[];
  /** For endpoints that name no port; by default 209, or 6209 with TLS. */
  readonly port?: number | undefined;
  /** For each endpoint: name lookup, TCP and TLS together. By default 60,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Without a byte sent or received. By default 600,000. */
  readonly timeoutMs?: number | undefined;
  /** For a session; after 9/10 of it, a new one begins. By default an hour, as qmtp.txt says (section 2). */
  readonly sessionMs?: number | undefined;
  /**
   * For which the connection stays open without anything to send. By default 10,000. Less than the server waits is best:
   * if it closes the connection just when a message is sent, that message may have been delivered.
   */
  readonly keepMs?: number | undefined;
  /** Sends one package per recipient, for servers that answer once per package. */
  readonly split?: boolean | undefined;
  /** For `qmtps:` endpoints. */
  readonly tls?: ClientTlsOptions | undefined;
  /** Also send again to recipients who were deferred. By default never. */
  readonly retry?: ClientRetryOptions | undefined;
  /** Connect by IPv4 or IPv6 only. */
  readonly family?: 4 | 6 | undefined;
  /** The address to connect from. */
  readonly sourceAddress?: string | undefined;
  /** For streams of more than 8 MiB; by default that of `os.tmpdir()`. */
  readonly temporaryDirectory?: string | undefined;
}

/** When to send again to recipients who were deferred. */
export interface ClientRetryOptions {
  /** Attempts after the first one. */
  readonly retries: number;
  /** Before the first retry; it doubles each time, and varies at random. By default 1,000. */
  readonly delayMs?: number | undefined;
  /** No attempt begins later than this after the first one. By default 600,000. */
  readonly maxMs?: number | undefined;
  /** Also send again if the server may have accepted the message: it may then be delivered twice. */
  readonly unanswered?: boolean | undefined;
}

/** Everything that options say, checked. */
export interface Settings {
  readonly endpoints: readonly Endpoint[];
  readonly connector: Connector;
  readonly limits: Route["limits"];
  readonly keepMs: number;
  readonly split: boolean;
  readonly policy: RetryPolicy;
  readonly temporaryDirectory: string;
}

/**
 * @param tell called with lines of a server's standard error, for example
 * @throws {QmtpError} usage; unreadable-configuration, for TLS files
 */
export function readOptions(options: ClientOptions, tell: (line: string) => void): Settings {
  if (typeof options !== "object" || options === null) {
    throw usageError("options are an object that names a server: { server: 'mx.example.org' }");
  }
  const { server, port, tls, retry, sourceAddress, split, temporaryDirectory } = options;
  const endpoints = endpointsOf(server, port);
  const family = familyOf(options);
  requireObject("tls", tls);
  const usesTls = endpoints.some(({ kind }) => kind === "tls");
  const connector = new Connector({
    connectTimeoutMs: milliseconds("connectTimeoutMs", options.connectTimeoutMs, 60_000),
    family,
    sourceAddress,
    tls: usesTls ? readTlsSettings(tls ?? {}) : undefined,
    env: HOST.env,
    groups: new Set(),
    signalGroup: HOST.signalGroup,
    sayAll: async (lines) => lines.forEach((line) => void tell(line.toString())),
  });
  return {
    endpoints,
    connector,
    limits: {
      idleMs: milliseconds("timeoutMs", options.timeoutMs, 600_000),
      sessionMs: milliseconds("sessionMs", options.sessionMs, 3_600_000),
    },
    keepMs: milliseconds("keepMs", options.keepMs, 10_000),
    split: split === true,
    policy: policyOf(retry),
    temporaryDirectory: temporaryDirectory ?? HOST.temporaryDirectory,
  };
}

function endpointsOf(server: unknown, port: number | undefined): Endpoint[] {
  const names: readonly unknown[] = Array.isArray(server) ? server : [server];
  if (names.length === 0 || server === undefined) {
    throw usageError("no server: name one, such as 'mx.example.org'");
  }
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
    throw usageError("port is a number from 1 to 65535");
  }
  return names.map((name) => {
    if (typeof name !== "string") throw usageError("server is a string, or an array of strings");
    return parseEndpoint(name, { port });
  });
}

/** A connection from an address is of its family. */
function familyOf({ family, sourceAddress }: ClientOptions): 4 | 6 | undefined {
  if (family !== undefined && family !== 4 && family !== 6) throw usageError("family is 4 or 6");
  if (sourceAddress === undefined) return family;
  const kind = typeof sourceAddress === "string" ? isIP(sourceAddress.replace(/%.*/, "")) : 0;
  if (kind === 0) throw usageError("sourceAddress is an IP address of this host");
  if (family !== undefined && family !== kind) {
    throw usageError(`sourceAddress is an IPv${kind} address, but family is ${family}`);
  }
  return kind === 4 ? 4 : 6;
}

function requireObject(name: string, value: unknown): void {
  if (value === undefined || (typeof value === "object" && value !== null)) return;
  throw usageError(`${name} is an object`);
}

function policyOf(retry: ClientRetryOptions | undefined): RetryPolicy {
  requireObject("retry", retry);
  const retries = retry?.retries ?? 0;
  if (!Number.isInteger(retries) || retries < 0) throw usageError("retry.retries is a number from 0 on");
  return {
    retries,
    delayMs: milliseconds("retry.delayMs", retry?.delayMs, 1_000),
    maxMs: milliseconds("retry.maxMs", retry?.maxMs, 600_000),
    unanswered: retry?.unanswered === true,
  };
}

/** A timer takes no more. */
const MAX_MS = 2 ** 31 - 1;

function milliseconds(name: string, value: number | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === "number" && value >= 0 && value <= MAX_MS) return value;
  throw usageError(`${name} is a number of milliseconds, at most ${MAX_MS}`);
}
