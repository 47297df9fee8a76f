/**
 * Calls `action` once when the signal is aborted, or at once if it already is.
 * @returns a function that stops listening; call it when the work that `action` would end is over
 */
export function onAbort(signal: AbortSignal | undefined, action: () => void): () => void {
  if (signal?.aborted) {
    action();
    return () => {};
  }
  signal?.addEventListener("abort", action, { once: true });
  return () => signal?.removeEventListener("abort", action);
}
