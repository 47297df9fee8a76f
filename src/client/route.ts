import type { Patience } from "../io/patience.ts";
import type { Limits, Observer } from "../session/contract.ts";
import type { Connector } from "../transport/connector.ts";
import type { Endpoint } from "../transport/endpoint.ts";

/** Observes the bytes sent and received; `note` gets a line for each event. */
export interface Trace extends Observer {
  note(text: string): void;
  /** The trace of one of several sessions at once. Without it, only the first is observed. */
  forSession?(number: number): Trace;
}

/** Where to send, and how. The signal stops everything. */
export interface Route extends Patience {
  /** Tried in turn until one connects. */
  readonly endpoints: readonly Endpoint[];
  readonly connector: Pick<Connector, "open">;
  readonly limits: Limits;
  readonly observer?: Trace | undefined;
}
