import { responses, undecided } from "../answers.ts";
import { heardInWords } from "../heard.ts";
import { closed, fail, type Outcome, pass, Undecided } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { inWords, statusOf } from "../seen.ts";
import { messageIn, wireBytes } from "../wire-package.ts";

/** A message that should be accepted as a plain one is. It takes two messages. */
export async function accepted(probe: Probe, text: Buffer, from = probe.subject.sender): Promise<Outcome> {
  const wire = await probe.open();
  await wire.post(probe.package([probe.to], text, from), 1);
  const [content] = await responses(wire, 1);
  return judged(probe, content);
}

/** A server that refuses the encoding may do so, and close, before it has read the package. */
export async function acceptedInDos(probe: Probe): Promise<Outcome> {
  await probe.accepting();
  const wire = await probe.open();
  const { to, subject } = probe;
  const message = messageIn("dos", probe.message().text);
  await wire.post(wireBytes({ message, sender: subject.sender, recipients: [to] }), 1);
  const heard = await wire.hear(1);
  const [content] = heard.responses;
  if (content !== undefined) return judged(probe, content);
  if (heard.end === "closed") return closed(heardInWords(heard));
  throw undecided(heard);
}

/** A refusal is about the message only if a plain one is still accepted: servers limit how many they take. */
async function judged(probe: Probe, content: Buffer | undefined): Promise<Outcome> {
  if (content === undefined || statusOf(content) === undefined) throw new Undecided("no status");
  if (statusOf(content) === "success") return pass(inWords(content));
  await probe.accepting();
  const wire = await probe.open();
  await wire.post(probe.package([probe.to]), 1);
  const [plain] = await responses(wire, 1);
  if (plain !== undefined && statusOf(plain) === "success") return fail(inWords(content));
  throw new Undecided(`${inWords(content)}; and so a plain message by now`);
}
