/** What to do when a signal is aborted. */
interface Actions {
  readonly all: Set<() => void>;
  readonly listener: () => void;
}

/** One listener per signal, however many wait for it: at eleven, Node warns of a leak. */
const WAITING = new WeakMap<AbortSignal, Actions>();

/**
 * Calls `action` once when the signal is aborted, or at once if it already is.
 * @returns a function that stops listening; call it when the work that `action` would end is over
 */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) {
    action();
    return () => {};
  }
  const { all, listener } = WAITING.get(signal) ?? listen(signal);
  // The same function may be given twice.
  const own = () => action();
  all.add(own);
  return () => {
    if (!all.delete(own) || all.size > 0) return;
    signal.removeEventListener("abort", listener);
    WAITING.delete(signal);
  };
}

function listen(signal: AbortSignal): Actions {
  const all = new Set<() => void>();
  const listener = () => {
    for (const action of all) action();
    all.clear();
  };
  const actions = { all, listener };
  WAITING.set(signal, actions);
  signal.addEventListener("abort", listener, { once: true });
  return actions;
}
