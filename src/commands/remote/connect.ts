import type { Context } from "../../cli/context.ts";
import {
  familyOf,
  type ResolvingRoute,
  type RouteOptions,
  routeTo,
  withSayAll,
} from "../../cli/options/route.ts";
import { connectTooLong } from "../../client/deliver.ts";
import { QmtpError } from "../../errors.ts";
import { startWait } from "../../io/patience.ts";
import { withTimeLimit } from "../../io/time-limit.ts";
import { qmailHome } from "../../qmail/control.ts";
import { type ExchangerRoute, exchangerRoute } from "../../qmail/exchanger-route.ts";
import { OwnHost } from "../../qmail/own-host.ts";
import { Routes } from "../../qmail/routes.ts";
import type { OpenConnection } from "../../transport/connector.ts";
import { Dns } from "../../transport/dns.ts";
import type { Endpoint, MxEndpoint } from "../../transport/endpoint.ts";
import { firstOf } from "../../transport/first-of.ts";
import type { RemoteRequest } from "./read.ts";
import { noServer, refusal, type Unsent } from "./unsent.ts";

/** A connection for the message; or the result without one; or "smtp" if the message must be sent by SMTP. */
export type Reached = { readonly opened: OpenConnection; readonly route: ResolvingRoute } | Unsent | "smtp";

/**
 * Connects as control/qmtproutes, control/smtproutes and DNS say.
 * @throws {QmtpError} usage, unreadable-configuration
 */
export async function connect(request: RemoteRequest, context: Context): Promise<Reached> {
  const { host, sender, options } = request;
  const found = Routes.read(qmailHome(context.env)).find(host, sender.length === 0, options.port);
  if (found?.kind === "smtp") return "smtp";
  if (found?.kind === "relay") return connectTo(found.endpoint, options, context);
  const domain = { kind: "mx", domain: host, port: options.port ?? 209 } as const;
  return connectByDns(domain, { qmtpOnly: found?.kind === "exchangers" }, options, context);
}

/** Connects to this server and no other. */
async function connectTo(endpoint: Endpoint, options: RouteOptions, context: Context): Promise<Reached> {
  const route = await routeOver(endpoint, options, context);
  const wait = startWait(route, (ms) => connectTooLong([endpoint], ms));
  try {
    const opened = await route.connector.open([endpoint], wait.signal, route.observer?.note);
    return { opened, route };
  } catch (error) {
    return refusal(error, route.signal);
  } finally {
    wait.end();
  }
}

/** Connects to the host's exchangers; unless it is `qmtpOnly`, only to those before any that speaks only SMTP. */
async function connectByDns(
  domain: MxEndpoint,
  { qmtpOnly }: { readonly qmtpOnly: boolean },
  options: RouteOptions,
  context: Context,
): Promise<Reached> {
  const route = await routeOver(domain, options, context);
  const { connector } = route;
  const note = route.observer?.note;
  const wait = startWait(route, (ms) => connectTooLong([domain], ms));
  const { signal } = wait;
  try {
    const way = await lookUp(domain, qmtpOnly, options, { ...route, signal }, context);
    if (way.kind !== "qmtp") {
      const isForSmtp = !qmtpOnly && (way.kind === "smtp" || way.kind === "no-address");
      return isForSmtp ? "smtp" : noServer(way.kind, domain.domain);
    }
    const opened = await firstOf(way.servers, note, (server) =>
      connector.openLocated(domain, server, signal, note),
    );
    return { opened, route };
  } catch (error) {
    if (signal.aborted) return refusal(signal.reason, route.signal);
    const unreachable = error instanceof QmtpError && error.code.startsWith("connect-");
    return unreachable && !qmtpOnly ? "smtp" : refusal(error, route.signal);
  } finally {
    wait.end();
  }
}

/** The share of the time for looking up all addresses, so that time is left to connect. */
const ADDRESSES_SHARE = 0.25;

function lookUp(
  { domain }: MxEndpoint,
  qmtpOnly: boolean,
  options: RouteOptions,
  { signal, observer }: ResolvingRoute,
  { env }: Context,
): Promise<ExchangerRoute> {
  const { connectTimeout } = options;
  const expired = () =>
    new QmtpError("dns-failed", `got no answer from DNS about ${domain} within ${connectTimeout / 1_000} s`);
  return withTimeLimit(connectTimeout, signal, expired, (attempt) =>
    exchangerRoute(domain, {
      dns: new Dns(env),
      own: OwnHost.read(qmailHome(env)),
      qmtpOnly,
      family: familyOf(options),
      addressesMs: connectTimeout * ADDRESSES_SHARE,
      signal: attempt,
      note: observer?.note,
    }),
  );
}

/** A route that ignores TLS options without TLS: control/qmtpremoteargs sets them for every host. */
function routeOver(endpoint: Endpoint, options: RouteOptions, context: Context): Promise<ResolvingRoute> {
  const { cacert, cert, key, tlsServername, pinnedpubkey, insecure, ...clear } = options;
  const sayAll = options.verbose ? context.sayAll : async () => {};
  return routeTo([endpoint], endpoint.kind === "tls" ? options : clear, withSayAll(context, sayAll));
}
