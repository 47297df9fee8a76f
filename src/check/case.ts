import type { Outcome } from "./outcome.ts";
import type { Probe } from "./probe.ts";
import type { Seen } from "./seen.ts";

/** How much a deviation matters: `info` cases only report what they find, and never fail. */
export type Level = "must" | "should" | "info";

/** What a case cannot run without. */
export type Need = "to" | "refused" | "inbox" | "tls" | "large" | "slow";

interface About {
  /** The section of qmtp.txt and a name: `2/order`. Scripts name cases: ids never change. */
  readonly id: string;
  readonly level: Level;
  /** One sentence. */
  readonly requirement: string;
  readonly needs: readonly Need[];
  readonly sent: string;
  readonly expected: string;
  /** What a failure means for those who write or configure clients. */
  readonly advice?: string;
}

/** A case that speaks to the server. */
export interface ActiveCase extends About {
  /** The most messages it may deliver. */
  readonly messages: number;
  /** Whether it is about the answer to a plain message, without which other cases are unclear. */
  readonly isControl?: true;
  /** Whether it is about the server still serving other clients. */
  readonly isAboutOthers?: true;
  /** @throws {Undecided} */
  readonly run: (probe: Probe) => Promise<Outcome>;
}

/** A case that looks at every response of the run. */
export interface ResponseCase extends About {
  readonly judge: (seen: readonly Seen[]) => Outcome;
}

export type Case = ActiveCase | ResponseCase;

export function sectionOf({ id }: { readonly id: string }): number {
  return Number(id.slice(0, id.indexOf("/")));
}

/** The most messages it may deliver, not counting the control message. */
export function messagesOf(one: Case): number {
  return "messages" in one ? one.messages : 0;
}
