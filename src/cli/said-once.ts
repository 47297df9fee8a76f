import type { Context } from "./context.ts";
import { type RouteContext, withSayAll } from "./options/route.ts";

/** Lines to remember. */
const MAX_SAID = 100;

/** A context for many connections, which would all print the same line, such as that a certificate is not verified. */
export function saidOnce(context: Context): RouteContext {
  const said = new Set<string>();
  const isNew = (line: string | Buffer) => {
    const isKnown = said.has(String(line));
    if (said.size < MAX_SAID) said.add(String(line));
    return !isKnown;
  };
  return withSayAll(context, (lines) => context.sayAll([...lines].filter(isNew)));
}
