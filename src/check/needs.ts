import type { Need } from "./case.ts";
import type { Subject } from "./probe.ts";

/** What a run provides to its cases. */
export function needsMet(
  subject: Subject,
  given: { readonly large: boolean; readonly slow: boolean },
): Set<Need> {
  const met = new Set<Need>();
  if (subject.to !== undefined) met.add("to");
  if (subject.refused !== undefined) met.add("refused");
  if (subject.inbox !== undefined) met.add("inbox");
  if (subject.endpoint.kind === "tls") met.add("tls");
  if (given.large) met.add("large");
  if (given.slow) met.add("slow");
  return met;
}
