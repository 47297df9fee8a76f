import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { QmtpError, reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { type Endpoint, formatEndpoint, type HostEndpoint } from "../transport/endpoint.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";
import type { ServerTls } from "./tls-server.ts";

/** Clients served at once: the memory for each is bounded, so their number must be too. */
const MAX_CONNECTIONS = 1_000;

/** Where a server can listen. */
export type ListenEndpoint = HostEndpoint | (Endpoint & { readonly kind: "unix" });

export interface SinkOptions
  extends Omit<ConversationOptions, "nextNumber" | "onViolation" | "onFailure" | "onIdle"> {
  /** How the server identifies itself, if it speaks TLS. */
  readonly tls?: ServerTls | undefined;
  /** Stops after this many packages. */
  readonly exitAfter?: number | undefined;
  /** Stops the server. */
  readonly signal: AbortSignal;
  /** Called with the endpoint once it listens, and with what clients do wrong. */
  readonly onEvent: (text: string) => void;
}

/**
 * Serves QMTP on an endpoint until it is stopped and every connection is closed.
 * @throws {QmtpError} listen-failed
 */
export async function serve(endpoint: ListenEndpoint, options: SinkOptions): Promise<void> {
  const sink = new Sink(options);
  const server = await serverFor(endpoint, options, sink);
  server.maxConnections = MAX_CONNECTIONS;
  sink.onStopped = () => server.close();
  await listen(server, endpoint);
  // From here on, an error means that a connection could not be accepted: out of descriptors, for example.
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
  const stopListening = onAbort(signal, () => sink.stop());
  await end;
  stopListening();
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

/** The conversations under way, and when to end them. */
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
    // The conversation sees the end of the stream; it need not know why it ended.
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
      const message = `cannot listen on ${formatEndpoint(endpoint)}: ${reason(error)}`;
      reject(new QmtpError("listen-failed", message, { cause: error }));
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

/** The endpoint, with the port that the system chose if it was asked to. */
function listeningOn(server: Server, endpoint: ListenEndpoint): string {
  const address = server.address();
  if (endpoint.kind === "unix" || address === null || typeof address === "string")
    return formatEndpoint(endpoint);
  return formatEndpoint({ ...endpoint, port: address.port });
}
