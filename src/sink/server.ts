import { createServer, type Server, type Socket } from "node:net";
import { CommandError, reason } from "../errors.ts";
import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";
import { Conversation, type ConversationOptions } from "./conversation.ts";

/** Clients served at once; what each may take of memory is bounded, and so their number must be. */
const MAX_CONNECTIONS = 1_000;

export interface SinkOptions extends Omit<ConversationOptions, "nextNumber" | "onViolation" | "onFailure"> {
  /** Milliseconds without a byte from or to a client before it is dropped. */
  readonly idleMs: number;
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
export async function serve(endpoint: Endpoint, options: SinkOptions): Promise<void> {
  const sink = new Sink(options);
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => sink.welcome(socket));
  server.maxConnections = MAX_CONNECTIONS;
  sink.onStopped = () => server.close();
  await listen(server, endpoint);
  // From here on it is a client that could not be let in, for want of descriptors, say.
  server.on("error", (error) => options.onEvent(`cannot take a connection: ${reason(error)}`));
  const closed = new Promise((resolve) => server.once("close", resolve));
  const stop = () => sink.stop();
  options.signal.addEventListener("abort", stop);
  if (options.signal.aborted) stop();
  options.onEvent(`listening on ${listeningOn(server, endpoint)}`);
  await closed;
  options.signal.removeEventListener("abort", stop);
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

  welcome(socket: Socket): void {
    const client = `${socket.remoteAddress ?? "client"}${socket.remotePort ? ` port ${socket.remotePort}` : ""}`;
    const { onPackage, onEvent, idleMs } = this.#options;
    const conversation = new Conversation(socket, {
      ...this.#options,
      nextNumber: () => ++this.#accepted,
      onPackage: (pkg) => {
        onPackage(pkg);
        this.#packages++;
        if (this.#packages === this.#options.exitAfter) this.stop();
      },
      onFailure: (error) => onEvent(`${client}: ${reason(error)}; connection closed`),
      onViolation: ({ message, offset }) => {
        onEvent(`${client}: ${message}, at byte ${offset}; connection closed`);
      },
    });
    socket.setTimeout(idleMs, () => {
      onEvent(`${client}: idle for ${idleMs / 1_000} s; connection closed`);
      socket.destroy();
    });
    // The conversation sees the end of the stream; why it came is the client's affair.
    socket.on("error", () => {});
    this.#conversations.add(conversation);
    conversation.run().finally(() => this.#conversations.delete(conversation));
    if (this.#stopped) conversation.stop();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.onStopped();
    for (const conversation of this.#conversations) conversation.stop();
  }
}

function listen(server: Server, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      const message = `cannot listen on ${formatEndpoint(endpoint)}: ${reason(error)}; name another endpoint with --listen`;
      reject(new CommandError(message, { code: "listen-failed", temporary: true, cause: error }));
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
function listeningOn(server: Server, endpoint: Endpoint): string {
  const address = server.address();
  if (endpoint.kind === "unix" || address === null || typeof address === "string")
    return formatEndpoint(endpoint);
  return formatEndpoint({ ...endpoint, port: address.port });
}
