import { onAbort } from "./abort.ts";

/** Resolves after this many milliseconds, or when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let stopListening = () => {};
    const done = () => {
      clearTimeout(timer);
      stopListening();
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, ms));
    stopListening = onAbort(signal, done);
  });
}
