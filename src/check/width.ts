import { Undecided } from "./outcome.ts";
import type { Probe } from "./probe.ts";

/** How many of these connections the server keeps open at once: many servers limit those of a client. */
export async function connectionsKept(probe: Probe, count: number): Promise<number> {
  const { waitMs } = probe.subject;
  const kept = await Promise.all(Array.from({ length: count }, () => isKept(probe)));
  const number = kept.filter(Boolean).length;
  probe.close();
  // The server may need a moment to see that they are closed.
  if (number < count) await probe.pause(waitMs);
  return number;
}

async function isKept(probe: Probe): Promise<boolean> {
  try {
    const wire = await probe.open();
    return (await wire.hear(1, probe.subject.waitMs)).end !== "closed";
  } catch (error) {
    if (error instanceof Undecided) return false;
    throw error;
  }
}
