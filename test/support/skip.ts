import type { TestContext } from "vitest";

/** Ends this test as skipped; the reason is printed, because a reporter may not show it. */
export function skip(context: TestContext, reason: string): never {
  process.stderr.write(`skipped: ${reason}\n`);
  return context.skip(reason);
}
