import { onAbort } from "./abort.ts";

/**
 * Runs abortable work with a time limit.
 * @param expired makes the error for when the time is up
 * @param work its signal is aborted when the time is up, or with `signal`
 */
export async function withTimeLimit<T>(
  ms: number,
  signal: AbortSignal,
  expired: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const attempt = new AbortController();
  const timer = setTimeout(() => attempt.abort(expired()), ms);
  const stopListening = onAbort(signal, () => attempt.abort(signal.reason));
  try {
    return await work(attempt.signal);
  } finally {
    clearTimeout(timer);
    stopListening();
  }
}
