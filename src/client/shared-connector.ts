import { setMaxListeners } from "node:events";
import { onAbort } from "../io/abort.ts";
import type { Connector, OpenConnection } from "../transport/connector.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { firstOf } from "../transport/first-of.ts";
import type { MuteServers } from "./mute-servers.ts";

type Open = Connector["open"];

/** The attempt to connect was given up, because the others have sent everything. */
export const NOT_NEEDED = new Error("there is nothing left to send");

/**
 * Connects several sessions at once. An endpoint that one session could not reach is not tried by the next ones, each
 * of which would wait for it as long.
 */
export class SharedConnector implements Pick<Connector, "open"> {
  readonly #connector: Pick<Connector, "open">;
  readonly #spread: boolean;
  readonly #mute: Pick<MuteServers, "has">;
  readonly #needed = new AbortController();
  readonly #unreachable = new Set<Endpoint>();
  /** Sessions that are connected or connecting, by endpoint. */
  readonly #sessions = new Map<Endpoint, number>();

  /**
   * @param spread deal the sessions out among the endpoints, instead of using the first that can be reached
   * @param mute if they are dealt out: those that get sessions only if no other endpoint can be reached
   */
  constructor(connector: Pick<Connector, "open">, spread: boolean, mute: Pick<MuteServers, "has">) {
    this.#connector = connector;
    this.#spread = spread;
    this.#mute = mute;
    // Each session that is connecting listens.
    setMaxListeners(0, this.#needed.signal);
  }

  /** Ends all attempts to connect, with `NOT_NEEDED`. */
  stop(): void {
    this.#needed.abort(NOT_NEEDED);
  }

  open(
    endpoints: readonly Endpoint[],
    signal: AbortSignal,
    note?: Parameters<Open>[2],
  ): Promise<OpenConnection> {
    return firstOf(this.#candidates(endpoints), note, (endpoint) => this.#openOne(endpoint, signal, note));
  }

  async #openOne(
    endpoint: Endpoint,
    signal: AbortSignal,
    note: Parameters<Open>[2],
  ): Promise<OpenConnection> {
    const attempt = new AbortController();
    // The connection may use this signal as long as it lasts, but no longer: a run may have any number of them.
    const stopListening = onAbort(signal, () => attempt.abort(signal.reason));
    const stopWaiting = onAbort(this.#needed.signal, () => attempt.abort(NOT_NEEDED));
    this.#count(endpoint, 1);
    try {
      attempt.signal.throwIfAborted();
      const opened = await this.#connector.open([endpoint], attempt.signal, note);
      opened.connection.once("close", () => {
        this.#count(endpoint, -1);
        stopListening();
      });
      return opened;
    } catch (error) {
      this.#count(endpoint, -1);
      stopListening();
      if (!attempt.signal.aborted) this.#unreachable.add(endpoint);
      throw error;
    } finally {
      stopWaiting();
    }
  }

  /** Each endpoint at most once, chosen when it is needed: others may have been found unreachable meanwhile. */
  *#candidates(endpoints: readonly Endpoint[]): Generator<Endpoint, void> {
    const left = new Set(endpoints);
    while (left.size > 0) {
      const reachable = [...left].filter((endpoint) => !this.#unreachable.has(endpoint));
      const first = left.size === endpoints.length;
      // If all were unreachable for others, this session finds out itself why.
      const from = reachable.length > 0 || !first ? reachable : [...left];
      const chosen = this.#spread ? this.#leastUsed(from) : from[0];
      if (chosen === undefined) return;
      left.delete(chosen);
      yield chosen;
    }
  }

  #leastUsed(endpoints: readonly Endpoint[]): Endpoint | undefined {
    const used = (endpoint: Endpoint) => this.#sessions.get(endpoint) ?? 0;
    const order = (endpoint: Endpoint) =>
      this.#mute.has(endpoint) ? Number.MAX_SAFE_INTEGER : used(endpoint);
    return endpoints.toSorted((one, other) => order(one) - order(other))[0];
  }

  #count(endpoint: Endpoint, change: number): void {
    this.#sessions.set(endpoint, (this.#sessions.get(endpoint) ?? 0) + change);
  }
}
