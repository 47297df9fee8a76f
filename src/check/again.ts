import type { Budget } from "./budget.ts";
import type { ActiveCase } from "./case.ts";
import type { Result } from "./result.ts";
import type { Tried } from "./tried.ts";

/** After this many retries in a row that hear nothing, late cases are no longer retried. */
const SILENT_IN_A_ROW = 3;

export interface Again {
  readonly budget: Budget;
  readonly run: (one: ActiveCase) => Promise<Tried>;
  readonly onResult: (result: Result) => void;
}

/**
 * What failed because of time or a closed connection is tried once more by itself: the machine may have been busy,
 * or there were too many connections. What cannot be tried again is no failure.
 */
export async function tryAgain(results: readonly Tried[], { budget, run, onResult }: Again): Promise<void> {
  let silent = 0;
  for (const first of results.toSorted((one, other) => rank(one) - rank(other))) {
    const isHopeless = first.late && silent >= SILENT_IN_A_ROW;
    if (isHopeless || !budget.allowsAgain(first.case.messages)) {
      onResult({ ...first, verdict: "unclear" });
      continue;
    }
    const result = await run(first.case);
    silent = result.late && result.bytes.received.length === 0 ? silent + 1 : 0;
    onResult(result);
  }
}

/** Whether others are still served comes first: if they are not, further messages would be wasted. */
function rank(tried: Tried): number {
  return tried.case.isAboutOthers ? 0 : 1;
}
