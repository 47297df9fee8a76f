import { type Heard, heardInWords } from "./heard.ts";
import { closed, fail, late, type Outcome, pass, Undecided } from "./outcome.ts";
import type { Wire } from "./wire.ts";

/**
 * The responses that were waited for.
 * @throws {Undecided} if fewer came: the case is about something else
 */
export async function responses(wire: Wire, count: number): Promise<readonly Buffer[]> {
  const heard = await wire.hear(count);
  if (heard.end === "enough") return heard.responses.slice(0, count);
  throw undecided(heard);
}

/**
 * Waits for a response that should not come. A server that is only slow answers after the end of our side, too.
 * @param count responses in all, with that one
 */
export async function surplus(wire: Wire, count: number, waitMs: number): Promise<Heard> {
  const heard = await wire.hear(count, waitMs);
  if (heard.end !== "time") return heard;
  wire.half();
  return wire.hear(count);
}

/** The verdict of a case in which no response should come, on a connection that has had none. */
export async function noResponse(wire: Wire, waitMs: number): Promise<Outcome> {
  const heard = await surplus(wire, 1, waitMs);
  const got = heardInWords(heard);
  return heard.responses.length > 0 ? fail(got) : pass(got);
}

/** The verdict of a case that is about these responses. @throws {Undecided} if what came cannot be read */
export function answered(heard: Heard): Outcome {
  const got = heardInWords(heard);
  switch (heard.end) {
    case "enough":
      return pass(got);
    case "time":
      // Something was still coming: the server is slow.
      if (heard.quietMs < heard.waitedMs / 2) throw undecided(heard);
      return late(got);
    case "closed":
      return closed(got);
    case "broken":
      throw undecided(heard);
  }
}

/** Responses may be missing because the server has closed: that is permitted, and the case of another requirement. */
export function answeredUnlessClosed(heard: Heard): Outcome {
  if (heard.end === "closed") throw undecided(heard);
  return answered(heard);
}

/** Many packages: a server that is slow may still be at work when the time is over. */
export async function allAnswered(wire: Wire, count: number): Promise<Outcome> {
  const heard = await wire.hear(count);
  const missing = count - heard.responses.length;
  if (heard.end === "time" && heard.quietMs < missing * heard.paceMs) throw undecided(heard);
  return answeredUnlessClosed(heard);
}

export function undecided(heard: Heard): Undecided {
  return new Undecided(heardInWords(heard), heard.end === "time");
}
