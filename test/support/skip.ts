import type { TestContext } from "vitest";

/** Skips the rest of a test. Prints the reason, because a reporter may not show it. */
export function skip(context: TestContext, reason: string): never {
  process.stderr.write(`skipped: ${reason}\n`);
  return context.skip(reason);
}
