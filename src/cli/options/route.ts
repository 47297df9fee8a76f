import { isIP } from "node:net";
import type { Command, Option } from "commander";
import type { Route } from "../../client/route.ts";
import { reason, usageError } from "../../errors.ts";
import type { Environment } from "../../io/environment.ts";
import { TimeLimit } from "../../io/patience.ts";
import { configuredServers } from "../../qmail/qmtpservers.ts";
import { Connector } from "../../transport/connector.ts";
import { type Endpoint, parseEndpoint } from "../../transport/endpoint.ts";
import { nameServer } from "../../transport/name-server.ts";
import type { Context } from "../context.ts";
import { addGroup, countOption, listOption, option, secondsOption } from "./kinds.ts";
import { declareTls, readTls, type TlsOptions } from "./tls.ts";
import { openTranscript, type TranscriptOptions } from "./transcript.ts";

/** Where to send, and how; times in milliseconds. */
export interface RouteOptions extends TlsOptions, TranscriptOptions {
  readonly server?: readonly string[];
  readonly port?: number;
  readonly ipv4?: true;
  readonly ipv6?: true;
  readonly sourceIp?: string;
  readonly connectTimeout: number;
  readonly timeout: number;
  /** Undefined: only sessions are limited. */
  readonly maxTime?: number;
}

export interface RouteDefaults {
  /** The default server, for the help; undefined if the command line names none. */
  readonly server: string | undefined;
  /** Seconds to connect to each server. */
  readonly connectSeconds: number;
}

/** The servers if neither the options nor the environment name any; `port` is that of those that name none. */
type DefaultServers = (env: Environment, port: number | undefined) => readonly Endpoint[];

/** A route with our own connector, which can also resolve endpoints. */
export interface ResolvingRoute extends Route {
  readonly connector: Connector;
}

/** The part of a command's context that its connections use. */
export type RouteContext = Pick<
  Context,
  "env" | "node" | "groups" | "signalGroup" | "interrupted" | "say" | "sayAll" | "stderr"
>;

/** What connections use of a context, but with other lines on standard error. It creates no stream. */
export function withSayAll(context: Context, sayAll: Context["sayAll"]): RouteContext {
  const { node, env, groups, signalGroup, interrupted, say } = context;
  return {
    node,
    env,
    groups,
    signalGroup,
    interrupted,
    say,
    sayAll,
    get stderr() {
      return context.stderr;
    },
  };
}

/** An hour (qmtp.txt, section 2). Only for sessions: what writes to standard input may well take longer. */
const SESSION_MS = 3_600_000;

/** How long to wait for responses after a signal: about as long as a person waits after pressing Ctrl-C. */
const MAX_DRAIN_MS = 10_000;

export const DEFAULT_SERVER = "control/qmtpservers in the qmail home, or localhost:209";

const DEFAULTS: RouteDefaults = { server: DEFAULT_SERVER, connectSeconds: 60 };

export function declareRoute(command: Command, { server, connectSeconds } = DEFAULTS): void {
  declareServers(command, server);
  addGroup(command, "times", [
    secondsOption("--connect-timeout <s>", "seconds to connect to each server", connectSeconds),
    secondsOption("--timeout <s>", "give up after this many idle seconds", 600),
    secondsOption("--max-time <s>", "end the run after this many seconds (default: sessions end after 3600)"),
  ]);
}

/** The part of it that says where to connect, and with TLS, how. @param server as in the defaults */
export function declareServers(command: Command, server: RouteDefaults["server"]): void {
  addGroup(command, "server", [
    ...(server === undefined ? [] : [serverOption(server)]),
    countOption("-p, --port <port>", "port of endpoints without one (default: 209; TLS: 6209)", 1, 65_535),
    option("-4, --ipv4", "use only IPv4 addresses"),
    option("-6, --ipv6", "use only IPv6 addresses"),
    option("--source-ip <address>", "connect from this address"),
  ]);
  declareTls(command);
}

function serverOption(server: string): Option {
  return listOption(
    "-s, --server <endpoint>",
    "where to send: host[:port], qmtps://host[:port] (TLS), mx:domain (its QMTP exchangers), unix:/path, " +
      "exec:command (starts a server) or ucspi: (descriptors 6 and 7); the next one is tried if it cannot be " +
      `reached (or QMTP_SERVER; default: ${server})`,
  );
}

/**
 * Where to send and how, according to the options.
 * @param defaultServers the servers if neither the options nor the environment name any
 * @throws {QmtpError} usage; unreadable-configuration; unwritable-trace; and what `defaultServers` throws
 */
export async function readRoute(
  options: RouteOptions,
  context: Context,
  defaultServers?: DefaultServers,
): Promise<ResolvingRoute> {
  return routeTo(readEndpoints(options, context.env, defaultServers), options, context);
}

/**
 * The same for these endpoints.
 * @throws {QmtpError} usage; unreadable-configuration, for certificates and keys; unwritable-trace
 */
export async function routeTo(
  endpoints: readonly Endpoint[],
  options: RouteOptions,
  context: RouteContext,
): Promise<ResolvingRoute> {
  const { connectTimeout, timeout, maxTime, sourceIp } = options;
  if (endpoints.some(({ kind }) => kind === "mx")) nameServer(context.env);
  const usesTls = endpoints.some(({ kind }) => kind === "tls");
  const limit = maxTime === undefined ? undefined : new TimeLimit(maxTime);
  const signal = context.interrupted;
  return {
    endpoints,
    connector: new Connector({
      connectTimeoutMs: connectTimeout,
      lookupNode: maxTime === undefined ? undefined : context.node,
      family: familyOf(options),
      sourceAddress: sourceIp,
      tls: await readTls(options, usesTls, context.env, { signal, limit }),
      env: context.env,
      groups: context.groups,
      signalGroup: context.signalGroup,
      sayAll: context.sayAll,
    }),
    limits: { idleMs: timeout, sessionMs: SESSION_MS },
    limit,
    signal,
    observer: openTranscript(options, context),
  };
}

/** The same route, but after a signal it waits a while for responses to packages in flight. */
export function withDrain(route: ResolvingRoute): ResolvingRoute {
  const { limits } = route;
  return { ...route, limits: { ...limits, drainMs: Math.min(MAX_DRAIN_MS, limits.idleMs) } };
}

/** @throws {QmtpError} usage, and what `defaultServers` throws */
export function readEndpoints(
  { server, port }: RouteOptions,
  env: Environment,
  defaultServers: DefaultServers = serversOfThisHost,
): readonly Endpoint[] {
  if (server !== undefined) return server.map((text) => parseEndpoint(text, { port }));
  const endpoints = fromEnvironment(env.QMTP_SERVER ?? "", port);
  return endpoints.length > 0 ? endpoints : defaultServers(env, port);
}

/** @throws {QmtpError} unreadable-configuration */
function serversOfThisHost(env: Environment, port: number | undefined): readonly Endpoint[] {
  const configured = configuredServers(env, port);
  return configured.length > 0 ? configured : [parseEndpoint("localhost", { port })];
}

/** Endpoints separated by white space, or a single `exec:` endpoint, because a command contains spaces. */
function fromEnvironment(text: string, port: number | undefined): Endpoint[] {
  const trimmed = text.trim();
  const words = trimmed.startsWith("exec:") ? [trimmed] : trimmed.split(/\s+/).filter((word) => word !== "");
  try {
    return words.map((word) => parseEndpoint(word, { port }));
  } catch (error) {
    throw usageError(`QMTP_SERVER: ${reason(error)}; separate several with spaces`);
  }
}

export function familyOf({ ipv4, ipv6, sourceIp }: RouteOptions): 4 | 6 | undefined {
  if (ipv4 && ipv6) throw usageError("--ipv4 and --ipv6 cannot be combined");
  const asked = ipv4 ? 4 : ipv6 ? 6 : undefined;
  if (sourceIp === undefined) return asked;
  const family = isIP(sourceIp.replace(/%.*/, ""));
  if (family === 0) {
    throw usageError(`--source-ip does not accept '${sourceIp}': write an IPv4 or IPv6 address`);
  }
  if (asked !== undefined && asked !== family) {
    throw usageError(`--source-ip ${sourceIp} is an IPv${family} address, and --ipv${asked} excludes it`);
  }
  return family === 4 ? 4 : 6;
}
