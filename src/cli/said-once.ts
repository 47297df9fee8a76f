import type { Context } from "./context.ts";
import type { RouteContext } from "./options/route.ts";

/** Lines to remember. */
const MAX_SAID = 100;

/** A context for many connections, which would all say the same, as that a certificate is not verified. */
export function saidOnce(context: Context): RouteContext {
  const { node, env, groups, signalGroup, interrupted, say, sayAll } = context;
  const said = new Set<string>();
  const isNew = (line: string | Buffer) => {
    const isKnown = said.has(String(line));
    if (said.size < MAX_SAID) said.add(String(line));
    return !isKnown;
  };
  return {
    node,
    env,
    groups,
    signalGroup,
    interrupted,
    say,
    sayAll: (lines) => sayAll([...lines].filter(isNew)),
    get stderr() {
      return context.stderr;
    },
  };
}
