import type { Case, Need } from "./case.ts";
import type { Evidence, Verdict } from "./outcome.ts";

/** A case with its verdict. */
export interface Result {
  readonly case: Case;
  readonly verdict: Verdict;
  readonly got: string;
  /** What it lacked, if it was skipped. */
  readonly lacks: readonly Need[];
  readonly ms: number;
  readonly bytes: Evidence;
}

/** What a run comes to. */
export interface RunEnd {
  /** In the order of the cases. */
  readonly results: readonly Result[];
  readonly messages: { readonly announced: number; readonly sent: number };
}

export const NO_BYTES = { sent: Buffer.alloc(0), received: Buffer.alloc(0) };

/** What is known if there is no connection at all. */
export function unreached(cases: readonly Case[]): RunEnd {
  const results = cases.map((one) => ({
    case: one,
    verdict: "unclear" as const,
    got: "no connection",
    lacks: [],
    ms: 0,
    bytes: NO_BYTES,
  }));
  return { results, messages: { announced: 0, sent: 0 } };
}
