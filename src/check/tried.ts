import type { ActiveCase } from "./case.ts";
import { NO_BYTES, type Result } from "./result.ts";

/** A result, and whether time or a closed connection decided, which may be due to the cases beside it. */
export interface Tried extends Result {
  readonly case: ActiveCase;
  readonly late: boolean;
  readonly closed: boolean;
}

export function untried(one: ActiveCase, got: string): Tried {
  const nothing = { lacks: [], ms: 0, bytes: NO_BYTES, late: false, closed: false };
  return { case: one, verdict: "unclear", got, ...nothing };
}
