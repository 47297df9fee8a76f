import type { Case } from "./case.ts";

/**
 * The cases whose ids, or beginnings of ids, are among `only` (if there are any) and not among `skip`.
 * @param onUnknown called with what matches no case
 */
export function selected(
  cases: readonly Case[],
  only: readonly string[],
  skip: readonly string[],
  onUnknown: (pattern: string) => never,
): readonly Case[] {
  const matches = (one: Case, pattern: string) => pattern !== "" && one.id.startsWith(pattern);
  const unknown = [...only, ...skip].find((pattern) => !cases.some((one) => matches(one, pattern)));
  if (unknown !== undefined) onUnknown(unknown);
  return cases.filter((one) => {
    const wanted = only.length === 0 || only.some((pattern) => matches(one, pattern));
    return wanted && !skip.some((pattern) => matches(one, pattern));
  });
}
