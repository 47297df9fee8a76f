import type { ActiveCase } from "./case.ts";
import { NO_BYTES, type Result } from "./result.ts";

/** A result, and whether it rests on time or a closed connection: cases that ran beside it may be the cause. */
export interface Tried extends Result {
  readonly case: ActiveCase;
  readonly late: boolean;
  readonly closed: boolean;
}

export function untried(one: ActiveCase, got: string): Tried {
  const nothing = { lacks: [], ms: 0, bytes: NO_BYTES, late: false, closed: false };
  return { case: one, verdict: "unclear", got, ...nothing };
}
