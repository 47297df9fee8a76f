import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { CommandError, reason } from "../errors.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint } from "../transport/endpoint.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import type { ServerTls } from "./tls-server.ts";

/** Clients served at once; what each may take of memory is bounded, and so their number must be. */
const MAX_CONNECTIONS = 1_000;

/** Where a server can listen. */
export type ListenEndpoint = HostEndpoint | (Endpoint & { readonly kind: "unix" });

export interface SinkOptions
  extends Omit<ConversationOptions, "nextNumber" | "onViolation" | "onFailure" | "onIdle"> {
  /** Who the server is, where it speaks TLS. */
  readonly tls?: ServerTls | undefined;
  /** Stops after so many packages. */
  readonly exitAfter?: number | undefined;
  /** Stops it. */
  readonly signal: AbortSignal;
  /** Told where it listens, once it does, and what clients do wrong. */
  readonly onEvent: (text: string) => void;
}

/**
 * Serves QMTP on an endpoint until it is stopped, and every connection is closed.
 * @throws {CommandError} listen-failed
 */
export async function serve(endpoint: ListenEndpoint, options: SinkOptions): Promise<void> {
  const sink = new Sink(options);
  const server = await serverFor(endpoint, options, sink);
  server.maxConnections = MAX_CONNECTIONS;
  sink.onStopped = () => server.close();
  await listen(server, endpoint);
  // From here on it is a client that could not be let in, for want of descriptors, say.
  server.on("error", (error) => options.onEvent(`cannot take a connection: ${reason(error)}`));
  const closed = new Promise((resolve) => server.once("close", resolve));
  options.onEvent(`listening on ${listeningOn(server, endpoint)}`);
  await stoppable(sink, options.signal, closed);
}

/** Serves QMTP over one connection, until it is closed. */
export async function serveConnection(
  connection: Duplex,
  client: string,
  options: SinkOptions,
): Promise<void> {
  const sink = new Sink(options);
  await stoppable(sink, options.signal, sink.welcome(connection, client));
}

async function stoppable(sink: Sink, signal: AbortSignal, end: Promise<unknown>): Promise<void> {
  const stop = () => sink.stop();
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  await end;
  signal.removeEventListener("abort", stop);
}

async function serverFor(
  { kind }: ListenEndpoint,
  { tls, onEvent }: SinkOptions,
  sink: Sink,
): Promise<Server> {
  if (kind !== "tls" || tls === undefined) {
    return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      sink.welcome(socket, clientOf(socket));
    });
  }
  const { createTlsServer } = await import("./tls-server.ts");
  return createTlsServer(tls, {
    onConnection: (socket) => sink.welcome(socket, clientOf(socket)),
    onFailure: (socket, error) => onEvent(`${clientOf(socket)}: no TLS: ${reason(error)}; connection closed`),
  });
}

function clientOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? "client"}${remotePort ? ` port ${remotePort}` : ""}`;
}

/** The conversations going on, and when they end. */
class Sink {
  readonly #options: SinkOptions;
  readonly #conversations = new Set<Conversation>();
  #accepted = 0;
  #packages = 0;
  #stopped = false;
  onStopped: () => void = () => {};

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Resolves when the conversation is over. */
  async welcome(connection: Duplex, client: string): Promise<void> {
    const { onPackage, onEvent, idleMs } = this.#options;
    const conversation = new Conversation(connection, {
      ...this.#options,
      nextNumber: () => ++this.#accepted,
      onPackage: (pkg) => {
        onPackage(pkg);
        this.#packages++;
        if (this.#packages === this.#options.exitAfter) this.stop();
      },
      onFailure: (error) => onEvent(`${client}: ${reason(error)}; connection closed`),
      onIdle: () => onEvent(`${client}: idle for ${idleMs / 1_000} s; connection closed`),
      onViolation: ({ message, offset }) => {
        onEvent(`${client}: ${message}, at byte ${offset}; connection closed`);
      },
    });
    // The conversation sees the end of the stream; why it came is the client's affair.
    connection.on("error", () => {});
    this.#conversations.add(conversation);
    if (this.#stopped) conversation.stop();
    await conversation.run();
    this.#conversations.delete(conversation);
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.onStopped();
    for (const conversation of this.#conversations) conversation.stop();
  }
}

function listen(server: Server, endpoint: ListenEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      const message = `cannot listen on ${formatEndpoint(endpoint)}: ${reason(error)}; name another endpoint with --listen`;
      reject(new CommandError(message, { code: "listen-failed", cause: error }));
    };
    const listening = () => {
      server.removeListener("error", failed);
      resolve();
    };
    server.once("error", failed);
    if (endpoint.kind === "unix") server.listen({ path: endpoint.path }, listening);
    else server.listen({ host: endpoint.host, port: endpoint.port }, listening);
  });
}

/** With the port that the system chose, where it was asked to. */
function listeningOn(server: Server, endpoint: ListenEndpoint): string {
  const address = server.address();
  if (endpoint.kind === "unix" || address === null || typeof address === "string")
    return formatEndpoint(endpoint);
  return formatEndpoint({ ...endpoint, port: address.port });
}
