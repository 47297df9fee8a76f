import type { Context } from "../context.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Violation } from "../protocol/violation.ts";
import { deliveryLines, violationLine } from "./text.ts";
import { writeLines } from "./write.ts";

/**
 * Says on standard error what did not succeed, a line for each recipient: for commands whose standard output is
 * not for people.
 */
export async function complain(
  deliveries: readonly Delivery[],
  violations: readonly Violation[],
  { name, stderr }: Pick<Context, "name" | "stderr">,
): Promise<void> {
  await writeLines(stderr, complaintLines(deliveries, violations, name));
}

function* complaintLines(
  deliveries: readonly Delivery[],
  violations: readonly Violation[],
  name: string,
): Generator<string, void> {
  for (const violation of violations) yield `${name}: ${violationLine(violation)}`;
  for (const line of deliveryLines(deliveries, (status) => status, true)) yield `${name}: ${line}`;
}
