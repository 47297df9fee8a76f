import type { Limits, Observer } from "../session/contract.ts";
import type { Connector } from "../transport/connector.ts";
import type { Endpoint } from "../transport/endpoint.ts";

/** Observes the bytes sent and received; `note` gets a line for each event. */
export type Trace = Observer & { note(text: string): void };

/** Where to send, and how. */
export interface Route {
  /** Tried in turn until one connects. */
  readonly endpoints: readonly Endpoint[];
  readonly connector: Pick<Connector, "open">;
  readonly limits: Limits;
  /** Stops everything when aborted. */
  readonly signal: AbortSignal;
  readonly observer?: Trace | undefined;
}
