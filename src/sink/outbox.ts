import type { Duplex } from "node:stream";
import { writeAll, writeSlowly } from "./answers.ts";
import type { Received } from "./contract.ts";
import type { Kinds } from "./misbehaviour.ts";

/** Milliseconds for which `no-half-close` delays responses. */
const DELAY_MS = 100;

export interface OutboxEvents {
  /** Called before each write. */
  readonly onWrite: () => void;
  /** Called when the responses to a package are written. */
  readonly onPackage: (pkg: Received) => void;
}

/** Responses that are still to be written. */
export class Outbox {
  readonly #connection: Duplex;
  /** Faults of the connection. */
  readonly #kinds: Kinds;
  readonly #events: OutboxEvents;
  #responses: Iterable<Buffer>[] = [];
  /** Packages whose responses are in `#responses`. */
  #answered: Received[] = [];
  #delayed: NodeJS.Timeout | undefined;

  constructor(connection: Duplex, kinds: Kinds, events: OutboxEvents) {
    this.#connection = connection;
    this.#kinds = kinds;
    this.#events = events;
  }

  push(responses: Iterable<Buffer>): void {
    this.#responses.push(responses);
  }

  answered(pkg: Received): void {
    this.#answered.push(pkg);
  }

  /**
   * Writes everything, unless a fault delays it.
   * @param begun whether another package has begun and not ended
   * @param slowly a byte at a time
   */
  async flush(begun: boolean, slowly = false): Promise<void> {
    if (begun && this.#kinds.has("wait-for-more")) return;
    if (this.#kinds.has("no-half-close") && this.#responses.length > 0) {
      this.#delayed ??= setTimeout(() => void this.write(slowly), DELAY_MS);
    } else await this.write(slowly);
  }

  /** Writes everything. */
  async write(slowly = false): Promise<void> {
    this.#delayed = undefined;
    const [responses, answered] = [this.#responses, this.#answered];
    this.#responses = [];
    this.#answered = [];
    const write = slowly ? writeSlowly : writeAll;
    await write(this.#connection, responses, this.#events.onWrite);
    for (const pkg of answered) this.#events.onPackage(pkg);
  }

  /** Forgets what is delayed. */
  drop(): void {
    clearTimeout(this.#delayed);
  }
}
