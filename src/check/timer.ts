/** How often to read what can be read before time counts as over. */
const TURNS = 3;

/**
 * Node runs timers before it reads: if this process could not run for a while, what came in time is still unread when
 * the timer expires. So it gets a chance to be read.
 */
export function timer(ms: number): { readonly promise: Promise<"time">; stop(): void } {
  let handle: NodeJS.Timeout | undefined;
  const promise = new Promise<"time">((resolve) => {
    handle = setTimeout(() => afterReading(TURNS, () => resolve("time")), ms);
  });
  return { promise, stop: () => clearTimeout(handle) };
}

/** Calls back after the event loop has read what can be read, this many times. */
function afterReading(turns: number, then: () => void): void {
  setImmediate(() => (turns > 1 ? afterReading(turns - 1, then) : then()));
}
