import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { BatchedStore } from "../maildir/batched.ts";
import { type Client, type ClientAddress, clientName } from "./client.ts";
import type { ConversationOptions, Received } from "./contract.ts";
import { Conversation } from "./conversation.ts";
import { Draws, type Misbehaving } from "./draws.ts";
import { type ListenEndpoint, listen, listeningOn } from "./listen.ts";
import type { ServerTls } from "./tls-server.ts";

/** Most clients served at once: memory for each is bounded, so this bounds all of it. */
const MAX_CONNECTIONS = 1_000;

export interface SinkOptions extends Pick<ConversationOptions, "rules" | "delayMs" | "idleMs"> {
  /** Where to store accepted messages; without it they are only counted. */
  readonly maildir?: string | undefined;
  readonly misbehaving?: Misbehaving | undefined;
  /** Certificates and key, if the server speaks TLS. */
  readonly tls?: ServerTls | undefined;
  /** Stops after this many packages. */
  readonly exitAfter?: number | undefined;
  /** Stops the server when aborted. */
  readonly signal: AbortSignal;
  readonly onPackage: (pkg: Received, client: Client) => void;
  /** Called with a line when the server listens, and whenever something goes wrong. */
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
  // From here on, an error means that a connection could not be accepted, for lack of descriptors, for example.
  server.on("error", (error) => options.onEvent(`cannot accept a connection: ${reason(error)}`));
  server.on("drop", (client) => sink.turnedAway(addressOf(client)));
  const closed = new Promise((resolve) => server.once("close", resolve));
  options.onEvent(`listening on ${listeningOn(server, endpoint)}`);
  await stoppable(sink, options.signal, closed);
}

/** Serves QMTP over one connection, until it is closed. */
export async function serveConnection(
  connection: Duplex,
  client: ClientAddress,
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
  { tls, misbehaving }: SinkOptions,
  sink: Sink,
): Promise<Server> {
  const kinds = new Set(misbehaving?.kinds);
  const welcome = (socket: Socket) => void sink.welcome(socket, addressOf(socket));
  if (kind !== "tls" || tls === undefined) {
    return createServer({ allowHalfOpen: true, noDelay: true }, welcome);
  }
  const { createTlsServer } = await import("./tls-server.ts");
  return createTlsServer(tls, kinds, {
    onConnection: welcome,
    onFailure: (socket, error) => {
      if (kinds.has("die-on-handshake-cut")) sink.die();
      sink.noTls(addressOf(socket), error);
    },
  });
}

function addressOf({ remoteAddress, remotePort }: Partial<Socket> = {}): ClientAddress {
  return { address: remoteAddress ?? null, port: remotePort ?? null };
}

/** The current conversations, and when to end them. */
class Sink {
  readonly #options: SinkOptions;
  readonly #store: BatchedStore | undefined;
  readonly #conversations = new Set<Conversation>();
  /** Count of clients so far. */
  #clients = 0;
  #accepted = 0;
  #packages = 0;
  #stopped = false;
  /** A fault has ended the service. */
  #dead = false;
  onStopped: () => void = () => {};

  constructor(options: SinkOptions) {
    this.#options = options;
    if (options.maildir !== undefined) this.#store = new BatchedStore(options.maildir);
  }

  /** Resolves when the conversation is over. */
  async welcome(connection: Duplex, address: ClientAddress): Promise<void> {
    if (this.#dead) {
      connection.on("error", () => {});
      connection.destroy();
      return;
    }
    const { onPackage, idleMs, maildir, misbehaving } = this.#options;
    const client = this.#numbered(address);
    const say = (what: string) => this.#say(client, what);
    const conversation = new Conversation(connection, {
      ...this.#options,
      store: this.#store,
      draws: misbehaving && new Draws(misbehaving, client.number),
      nextNumber: () => ++this.#accepted,
      clients: () => this.#conversations.size,
      onDeath: () => this.die(),
      onPackage: (pkg) => {
        onPackage(pkg, client);
        this.#packages++;
        if (this.#packages === this.#options.exitAfter) this.stop();
      },
      onFailure: (error) => say(`${reason(error)}; connection closed`),
      onIdle: () => say(`idle for ${idleMs / 1_000} s; connection closed`),
      onNotStored: (reasons) => say(`cannot store the message in ${maildir}: ${reasons.join("; ")}`),
      onViolation: ({ message, offset }) => say(`${message}, at byte ${offset}; connection closed`),
    });
    // The conversation sees the stream end, and need not know why.
    connection.on("error", () => {});
    this.#conversations.add(conversation);
    if (this.#stopped) conversation.stop();
    await conversation.run();
    this.#conversations.delete(conversation);
  }

  /** Called for a client that was dropped because there are too many. */
  turnedAway(address: ClientAddress): void {
    this.#say(this.#numbered(address), `turned away: ${MAX_CONNECTIONS} clients are connected`);
  }

  /** Called when the TLS handshake with a client failed. */
  noTls(address: ClientAddress, error: Error): void {
    this.#say(this.#numbered(address), `no TLS: ${reason(error)}; connection closed`);
  }

  /** Turns away everyone from now on. */
  die(): void {
    this.#dead = true;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.onStopped();
    for (const conversation of this.#conversations) conversation.stop();
  }

  #numbered(address: ClientAddress): Client {
    return { ...address, number: ++this.#clients };
  }

  #say(client: Client, what: string): void {
    this.#options.onEvent(`${clientName(client)}: ${what}`);
  }
}
