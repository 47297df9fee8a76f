import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Deadline } from "../io/deadline.ts";
import type { ConversationOptions } from "./contract.ts";

/** Milliseconds that an impatient server waits. */
const IMPATIENCE_MS = 2_000;
/** Milliseconds that a client has to read its last responses. */
const LINGER_MS = 2_000;

/** How a connection to the sink ends: on our side, by silence, or by a fault. */
export class Lifetime {
  readonly #connection: Duplex;
  /** After we have decided to end the connection: destroys it when no more data moves. */
  readonly #linger: Deadline;
  readonly #idle: Deadline;
  #stopped = false;
  #left = false;

  constructor(
    connection: Duplex,
    { delayMs, idleMs, onIdle }: Pick<ConversationOptions, "delayMs" | "idleMs" | "onIdle">,
    impatient: boolean,
  ) {
    this.#connection = connection;
    this.#linger = new Deadline(LINGER_MS + delayMs, () => connection.destroy());
    this.#idle = new Deadline(impatient ? IMPATIENCE_MS : idleMs, () => {
      if (!impatient) onIdle();
      connection.destroy();
    });
    connection.once("close", () => {
      this.#linger.stop();
      this.#idle.stop();
    });
  }

  /** Whether the connection is to end once the packages that have arrived are answered. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether our side is closed. */
  get left(): boolean {
    return this.#left;
  }

  start(): void {
    this.#idle.start();
  }

  received(): void {
    this.#idle.restart();
  }

  written(): void {
    if (this.#stopped) this.#linger.restart();
    this.#idle.restart();
  }

  stop(): void {
    this.#stopped = true;
    this.#linger.restart();
  }

  /** Closes our side, and gives the client time to read what was sent. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#idle.stop();
    const connection = this.#connection;
    connection.end();
    connection.resume();
    if (!connection.closed) this.#linger.restart();
  }

  /** Closes both sides at once, and ignores the rest of the input. */
  destroy(): void {
    this.#left = true;
    this.#connection.destroy();
  }

  /** Resets the connection, as a crashing server does. Without TCP, or with TLS, it is destroyed instead. */
  reset(): void {
    this.#left = true;
    const connection = this.#connection;
    try {
      if (connection instanceof Socket) connection.resetAndDestroy();
      else connection.destroy();
    } catch {
      connection.destroy();
    }
  }
}
