import type { Duplex } from "node:stream";
import { CommandError } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { connectSocket } from "./socket.ts";
import type { TlsSession, TlsSettings } from "./tls-settings.ts";

/** How endpoints are reached, whichever they are. */
export interface Route {
  /** Milliseconds for each endpoint: names, all addresses, connecting and TLS together. */
  readonly connectTimeoutMs: number;
  /** Only addresses of this family are used. */
  readonly family?: 4 | 6 | undefined;
  /** The address to connect from. */
  readonly sourceAddress?: string | undefined;
  /** There must be some where an endpoint asks for TLS. */
  readonly tls?: TlsSettings | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Process groups that were started and must not outlive us. */
  readonly groups: Set<number>;
  /** Sends a signal to all processes of a group; there may be none left. */
  readonly signalGroup: (group: number, signal: NodeJS.Signals) => void;
  /** Told what people must know, whatever they asked for: lines of a server's standard error, say. */
  readonly tell: (lines: readonly (string | Buffer)[]) => Promise<void>;
}

/** A server as results name it: as it was asked for, and who answered. */
export interface Server {
  readonly endpoint: string;
  /** Null where there are no such things. */
  readonly address: string | null;
  readonly port: number | null;
  readonly tls: TlsSession | null;
}

/** A connection, and who is at its other end. */
export interface OpenConnection {
  readonly connection: Duplex;
  readonly server: Server;
  readonly connectMs: number;
}

type Connected = Omit<OpenConnection, "connectMs">;
/** Told what is being tried, and what came of it. */
type Note = ((text: string) => void) | undefined;

/** Makes connections to endpoints. */
export class Connector {
  readonly #route: Route;
  /** A connection that we were given cannot be had again. */
  #ucspiTaken = false;

  constructor(route: Route) {
    this.#route = route;
  }

  /**
   * Connects to the first endpoint that can be reached. The next one is tried only where no connection came about.
   * @throws {CommandError} with the reason for each endpoint: connect-failed, connect-timeout, tls-failed,
   *   tls-untrusted, not-under-ucspi; or what the signal was aborted with
   */
  async open(endpoints: readonly Endpoint[], signal: AbortSignal, note?: Note): Promise<OpenConnection> {
    const failures: CommandError[] = [];
    for (const endpoint of endpoints) {
      try {
        return await this.#open(endpoint, signal, note);
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        note?.(error.message);
        failures.push(error);
      }
    }
    const last = failures.at(-1);
    if (last === undefined || failures.length === 1) throw last ?? new RangeError("no endpoint");
    const message = failures.map((failure) => failure.message).join("; ");
    // A reason that may pass says more of what to do next than one that will not.
    const { code, fault } = failures.findLast((failure) => failure.code.startsWith("connect-")) ?? last;
    throw new CommandError(message, { code, fault });
  }

  async #open(endpoint: Endpoint, signal: AbortSignal, note: Note): Promise<OpenConnection> {
    const startedAt = performance.now();
    const attempt = new AbortController();
    const abort = () => attempt.abort(signal.reason);
    const expire = () => attempt.abort(timedOut(endpoint, this.#route.connectTimeoutMs));
    const timer = setTimeout(expire, this.#route.connectTimeoutMs);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    try {
      note?.(`${endpoint.kind === "exec" ? "starting" : "connecting to"} ${formatEndpoint(endpoint)}`);
      const connected = await this.#connect(endpoint, attempt.signal, signal, note);
      return { ...connected, connectMs: performance.now() - startedAt };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /**
   * The only place that tells the kinds of endpoints apart; what a run does not need is not loaded.
   * @param attempt aborted when there is no more time to connect, too
   */
  async #connect(
    endpoint: Endpoint,
    attempt: AbortSignal,
    signal: AbortSignal,
    note: Note,
  ): Promise<Connected> {
    const named = { endpoint: formatEndpoint(endpoint), address: null, port: null, tls: null };
    switch (endpoint.kind) {
      case "exec": {
        const { startServer } = await import("./child.ts");
        const connection = await startServer(endpoint, this.#route, signal);
        note?.("started");
        return { connection, server: named };
      }
      case "ucspi": {
        const { clientConnection, remoteOf } = await import("./ucspi.ts");
        const connection = clientConnection(this.#ucspiTaken);
        this.#ucspiTaken = true;
        const server = { ...named, ...remoteOf(this.#route.env) };
        note?.(connectedTo(server));
        return { connection, server };
      }
      default: {
        // First, so that nothing can happen to the connection before TLS has it.
        const tls = endpoint.kind === "tls" ? await import("./tls.ts") : undefined;
        const socket = await connectSocket(endpoint, this.#route, attempt);
        const { remoteAddress: address = null, remotePort: port = null } = socket;
        const server = { ...named, address, port };
        note?.(connectedTo(server));
        if (endpoint.kind !== "tls" || tls === undefined) return { connection: socket, server };
        const { connection, session } = await tls.startTls(socket, endpoint, this.#route, attempt, note);
        return { connection, server: { ...server, tls: session } };
      }
    }
  }
}

function connectedTo({ address, port }: Server): string {
  return address === null ? "connected" : `connected to ${address}${port === null ? "" : ` port ${port}`}`;
}

function timedOut(endpoint: Endpoint, ms: number): CommandError {
  const message = `cannot connect to ${formatEndpoint(endpoint)}: no connection within ${ms / 1000} s`;
  return new CommandError(message, { code: "connect-timeout", fault: "transport" });
}
