import type { Duplex } from "node:stream";
import { QmtpError } from "../errors.ts";
import { now } from "../io/clock.ts";
import { withTimeLimit } from "../io/time-limit.ts";
import type { ServerOptions } from "./child.ts";
import { type Endpoint, formatEndpoint, type MxEndpoint } from "./endpoint.ts";
import type { Located } from "./exchangers.ts";
import { firstOf } from "./first-of.ts";
import { connectSocket, type SocketOptions } from "./socket.ts";
import type { ServerCertificate, TlsSession, TlsSettings } from "./tls-settings.ts";

/** How to reach endpoints of every kind. */
export interface ConnectorOptions extends SocketOptions, ServerOptions {
  /** Milliseconds for each endpoint: name lookup, all of its addresses and TLS together. */
  readonly connectTimeoutMs: number;
  /** The path of Node, if it is to look up names in another process, so that this one can exit at any time. */
  readonly lookupNode?: string | undefined;
  /** Required if an endpoint uses TLS. */
  readonly tls?: TlsSettings | undefined;
}

/** A server as results show it: the endpoint, and the address that answered. */
export interface Server {
  /** As it was given, with its scheme and port. */
  readonly endpoint: string;
  /** If the endpoint is a domain: the exchanger that answered. */
  readonly exchanger?: string;
  /** Its preference in DNS. */
  readonly preference?: number;
  /** Null if this kind of endpoint has none. */
  readonly address: string | null;
  /** Null if this kind of endpoint has none. */
  readonly port: number | null;
  /** Null without TLS. */
  readonly tls: TlsSession | null;
}

/** A server that could not be reached: the endpoint that was tried last. */
export function unreached(endpoints: readonly Endpoint[]): Server {
  return { endpoint: formatEndpoint(endpoints.at(-1) as Endpoint), address: null, port: null, tls: null };
}

/** A connection, and the server at its other end. */
export interface OpenConnection {
  readonly connection: Duplex;
  readonly server: Server;
  /** Null with TLS, if the server has none. */
  readonly certificate?: ServerCertificate | null;
  readonly connectMs: number;
}

/** An endpoint for a single server. */
type OneServer = Exclude<Endpoint, MxEndpoint>;
type Connected = Omit<OpenConnection, "connectMs">;
/** Gets a line for each step and its result. */
type Note = ((text: string) => void) | undefined;

/** Connects to endpoints. */
export class Connector {
  readonly #options: ConnectorOptions;
  /** A connection on inherited descriptors can be used once. */
  #ucspiTaken = false;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /**
   * Connects to the first endpoint that can be reached.
   * @throws {QmtpError} with the reason for each endpoint: connect-failed, connect-timeout, tls-failed,
   *   tls-untrusted, not-under-ucspi, dns-failed, no-exchanger; or what the signal was aborted with
   */
  open(endpoints: readonly Endpoint[], signal: AbortSignal, note?: Note): Promise<OpenConnection> {
    return firstOf(endpoints, note, (endpoint) =>
      endpoint.kind === "mx"
        ? this.#openExchanger(endpoint, signal, note)
        : this.#open(endpoint, this.#options, this.#options.connectTimeoutMs, signal, note),
    );
  }

  /**
   * The domain's exchangers that speak QMTP, with their addresses, in the order to try them.
   * @throws {QmtpError} no-exchanger, dns-failed, connect-timeout; or what the signal was aborted with
   */
  async exchangersOf(endpoint: MxEndpoint, signal: AbortSignal): Promise<Located[]> {
    const { Exchangers } = await import("./exchangers.ts");
    return new Exchangers(endpoint, this.#options, signal).locateAll();
  }

  /** Connects to the domain's first reachable exchanger. The time limit includes the lookups. */
  async #openExchanger(endpoint: MxEndpoint, signal: AbortSignal, note: Note): Promise<OpenConnection> {
    const startedAt = now();
    const { Exchangers } = await import("./exchangers.ts");
    const exchangers = new Exchangers(endpoint, this.#options, signal, note);
    const found = await exchangers.find();
    return firstOf(found, note, async (exchanger) => {
      if (exchanger !== found[0]) exchangers.restartTime();
      const located = await exchangers.locate(exchanger);
      const opened = await this.openLocated(endpoint, located, signal, note, exchangers.leftMs);
      return { ...opened, connectMs: now() - startedAt };
    });
  }

  /**
   * Connects to one of the domain's exchangers.
   * @throws {QmtpError} connect-failed, connect-timeout; or what the signal was aborted with
   */
  async openLocated(
    endpoint: MxEndpoint,
    { host, preference, addresses }: Located,
    signal: AbortSignal,
    note?: Note,
    timeoutMs = this.#options.connectTimeoutMs,
  ): Promise<OpenConnection> {
    const tcp = { kind: "tcp", host, port: endpoint.port } as const;
    const opened = await this.#open(tcp, { ...this.#options, addresses }, timeoutMs, signal, note);
    const server = { ...opened.server, endpoint: formatEndpoint(endpoint), exchanger: host, preference };
    return { ...opened, server };
  }

  async #open(
    endpoint: OneServer,
    options: ConnectorOptions,
    timeoutMs: number,
    signal: AbortSignal,
    note: Note,
  ): Promise<OpenConnection> {
    const startedAt = now();
    const expired = () => timeoutError(endpoint, options.connectTimeoutMs);
    const verb = endpoint.kind === "exec" ? "starting" : "connecting to";
    note?.(`${verb} ${formatEndpoint(endpoint)}${at(options)}`);
    const connected = await withTimeLimit(timeoutMs, signal, expired, (attempt) =>
      this.#connect(endpoint, options, attempt, signal, note),
    );
    return { ...connected, connectMs: now() - startedAt };
  }

  /**
   * The only switch over the kinds of endpoints. It loads only the code that the endpoint needs.
   * @param attempt aborted with the signal, and when the time to connect is up
   */
  async #connect(
    endpoint: OneServer,
    options: ConnectorOptions,
    attempt: AbortSignal,
    signal: AbortSignal,
    note: Note,
  ): Promise<Connected> {
    const endpointOnly = { endpoint: formatEndpoint(endpoint), address: null, port: null, tls: null };
    switch (endpoint.kind) {
      case "exec": {
        const { startServer } = await import("./child.ts");
        const connection = await startServer(endpoint, options, signal);
        note?.("started");
        return { connection, server: endpointOnly };
      }
      case "ucspi": {
        const { clientConnection, remoteOf } = await import("./ucspi.ts");
        const connection = clientConnection(this.#ucspiTaken);
        this.#ucspiTaken = true;
        const server = { ...endpointOnly, ...remoteOf(options.env) };
        note?.(connectedTo(server));
        return { connection, server };
      }
      default: {
        // Loaded before connecting, so that TLS has the socket as soon as it is open.
        const tls = endpoint.kind === "tls" ? await import("./tls.ts") : undefined;
        const { lookupNode } = options;
        const lookup =
          lookupNode === undefined
            ? undefined
            : (await import("./lookup.ts")).lookupApart(lookupNode, attempt);
        const socket = await connectSocket(endpoint, { ...options, lookup }, attempt);
        const { remoteAddress: address = null, remotePort: port = null } = socket;
        const server = { ...endpointOnly, address, port };
        note?.(connectedTo(server));
        if (endpoint.kind !== "tls" || tls === undefined) return { connection: socket, server };
        const { session, ...secured } = await tls.startTls(socket, endpoint, options, attempt, note);
        return { ...secured, server: { ...server, tls: session } };
      }
    }
  }
}

function at({ addresses }: ConnectorOptions): string {
  return addresses === undefined ? "" : ` at ${addresses.join(", ")}`;
}

function connectedTo({ address, port }: Server): string {
  return address === null ? "connected" : `connected to ${address}${port === null ? "" : ` port ${port}`}`;
}

function timeoutError(endpoint: Endpoint, ms: number): QmtpError {
  const message = `cannot connect to ${formatEndpoint(endpoint)}: no connection within ${ms / 1000} s`;
  return new QmtpError("connect-timeout", message);
}
