import type { Duplex } from "node:stream";
import { QmtpError } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { now } from "../io/clock.ts";
import type { ServerOptions } from "./child.ts";
import { type Endpoint, formatEndpoint } from "./endpoint.ts";
import { connectSocket, type SocketOptions } from "./socket.ts";
import type { TlsSession, TlsSettings } from "./tls-settings.ts";

/** How to reach endpoints of every kind. */
export interface ConnectorOptions extends SocketOptions, ServerOptions {
  /** Milliseconds for each endpoint: name lookup, all of its addresses and TLS together. */
  readonly connectTimeoutMs: number;
  /** Required if an endpoint uses TLS. */
  readonly tls?: TlsSettings | undefined;
}

/** A server as results show it: the endpoint, and the address that answered. */
export interface Server {
  readonly endpoint: string;
  /** Null if this kind of endpoint has none. */
  readonly address: string | null;
  readonly port: number | null;
  readonly tls: TlsSession | null;
}

/** A connection, and the server at its other end. */
export interface OpenConnection {
  readonly connection: Duplex;
  readonly server: Server;
  readonly connectMs: number;
}

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
   *   tls-untrusted, not-under-ucspi; or what the signal was aborted with
   */
  async open(endpoints: readonly Endpoint[], signal: AbortSignal, note?: Note): Promise<OpenConnection> {
    const failures: QmtpError[] = [];
    for (const endpoint of endpoints) {
      try {
        return await this.#open(endpoint, signal, note);
      } catch (error) {
        if (!(error instanceof QmtpError)) throw error;
        note?.(error.message);
        failures.push(error);
      }
    }
    const last = failures.at(-1);
    if (last === undefined || failures.length === 1) throw last ?? new RangeError("no endpoint");
    const message = failures.map((failure) => failure.message).join("; ");
    // Prefer a temporary failure's code to a lasting one's: it decides whether to retry.
    const { code, fault } = failures.findLast((failure) => failure.code.startsWith("connect-")) ?? last;
    throw new QmtpError(code, message, { fault, parts: failures });
  }

  async #open(endpoint: Endpoint, signal: AbortSignal, note: Note): Promise<OpenConnection> {
    const startedAt = now();
    const attempt = new AbortController();
    const expire = () => attempt.abort(timeoutError(endpoint, this.#options.connectTimeoutMs));
    const timer = setTimeout(expire, this.#options.connectTimeoutMs);
    const stopListening = onAbort(signal, () => attempt.abort(signal.reason));
    try {
      note?.(`${endpoint.kind === "exec" ? "starting" : "connecting to"} ${formatEndpoint(endpoint)}`);
      const connected = await this.#connect(endpoint, attempt.signal, signal, note);
      return { ...connected, connectMs: now() - startedAt };
    } finally {
      clearTimeout(timer);
      stopListening();
    }
  }

  /**
   * The only switch over the kinds of endpoints. It loads only the code that the endpoint needs.
   * @param attempt aborted with the signal, and when the time to connect is up
   */
  async #connect(
    endpoint: Endpoint,
    attempt: AbortSignal,
    signal: AbortSignal,
    note: Note,
  ): Promise<Connected> {
    const endpointOnly = { endpoint: formatEndpoint(endpoint), address: null, port: null, tls: null };
    switch (endpoint.kind) {
      case "exec": {
        const { startServer } = await import("./child.ts");
        const connection = await startServer(endpoint, this.#options, signal);
        note?.("started");
        return { connection, server: endpointOnly };
      }
      case "ucspi": {
        const { clientConnection, remoteOf } = await import("./ucspi.ts");
        const connection = clientConnection(this.#ucspiTaken);
        this.#ucspiTaken = true;
        const server = { ...endpointOnly, ...remoteOf(this.#options.env) };
        note?.(connectedTo(server));
        return { connection, server };
      }
      default: {
        // Loaded before connecting, so that TLS has the socket as soon as it is open.
        const tls = endpoint.kind === "tls" ? await import("./tls.ts") : undefined;
        const socket = await connectSocket(endpoint, this.#options, attempt);
        const { remoteAddress: address = null, remotePort: port = null } = socket;
        const server = { ...endpointOnly, address, port };
        note?.(connectedTo(server));
        if (endpoint.kind !== "tls" || tls === undefined) return { connection: socket, server };
        const { connection, session } = await tls.startTls(socket, endpoint, this.#options, attempt, note);
        return { connection, server: { ...server, tls: session } };
      }
    }
  }
}

function connectedTo({ address, port }: Server): string {
  return address === null ? "connected" : `connected to ${address}${port === null ? "" : ` port ${port}`}`;
}

function timeoutError(endpoint: Endpoint, ms: number): QmtpError {
  const message = `cannot connect to ${formatEndpoint(endpoint)}: no connection within ${ms / 1000} s`;
  return new QmtpError("connect-timeout", message);
}
