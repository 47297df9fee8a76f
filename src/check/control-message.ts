import type { Control, Which } from "./control.ts";
import type { Probe } from "./probe.ts";

/**
 * Sends a plain message, and waits for its response.
 * @param onEnd called when its connection is no longer used
 * @throws {Undecided} without a connection
 */
export async function sendControl(probe: Probe, which: Which, onEnd: () => void): Promise<Control> {
  const wire = await probe.open();
  const { text, mark } = probe.message();
  const recipient = which === "to" ? probe.to : probe.refused;
  const bytes = probe.package([recipient], text);
  await (which === "to" ? wire.post(bytes, 1) : wire.send(bytes));
  const heard = await wire.hear(1);
  const closes = wire.hear(2, probe.subject.waitMs).then(({ end }) => {
    onEnd();
    return end === "closed";
  });
  return { heard, mark, bytes: probe.evidence(), closes };
}
