import type { ActiveCase } from "./case.ts";
import { type Outcome, Undecided, unclear } from "./outcome.ts";
import type { Probe } from "./probe.ts";

/** After a closed connection, checks whether the server still serves anyone. @param probe for another connection */
export async function unlessGone(one: ActiveCase, found: Outcome, probe: Probe): Promise<Outcome> {
  try {
    const wire = await probe.open();
    if (one.isAboutOthers) return found;
    const { end } = await wire.hear(1, probe.subject.waitMs);
    return end === "closed" ? unclear(`${found.got}; and so are others`) : found;
  } catch (error) {
    if (!(error instanceof Undecided)) throw error;
    return unclear(error.message);
  }
}
