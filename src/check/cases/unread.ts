import { allAnswered, responses, undecided } from "../answers.ts";
import { late, type Outcome, Undecided } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import type { Wire } from "../wire.ts";

/** What `2/unread-responses` writes, in bytes. */
const UNREAD = 16 * 1024 * 1024;
const UNREAD_BODY = 128 * 1024;

/** Writes packages without reading any response: the server must go on reading. */
export async function unread(probe: Probe): Promise<Outcome> {
  await probe.refusing();
  const wire = await probe.open();
  const { text } = probe.message("x".repeat(UNREAD_BODY));
  const one = probe.package([probe.refused], text);
  const count = Math.ceil(UNREAD / one.length);
  wire.ignore();
  for (let sent = 0; sent < count; sent++) {
    const how = await wire.send(one);
    if (how === "closed") throw new Undecided(`the connection was closed after ${sent} packages`);
    if (how === "time") return blocked(wire, sent, probe);
  }
  wire.listen();
  await responses(wire, 1);
  return allAnswered(wire, count);
}

/** The server reads no more: if it has closed its side, or still answers what it has read, that is another matter. */
async function blocked(wire: Wire, sent: number, { subject }: Probe): Promise<Outcome> {
  wire.listen();
  const unreadBefore = await wire.hear(Number.POSITIVE_INFINITY, subject.waitMs);
  const heard = await wire.hear(unreadBefore.responses.length + 1);
  if (heard.end === "enough") throw new Undecided(`slow: it still answers the first ${sent} packages`);
  if (heard.end !== "time") throw undecided(heard);
  return late(`no more was read after ${sent} packages`);
}
