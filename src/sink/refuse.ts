import type { Response } from "../protocol/response.ts";
import type { Kinds } from "./misbehaviour.ts";

/** The properties of a package that decide its answer. */
export interface Facts {
  readonly encoding: "unix" | "dos";
  readonly bytes: number;
  readonly sender: Buffer;
  readonly recipients: number;
  /** The beginning of the message. */
  readonly head: string;
}

const answer = (status: Response["status"], text: string): Response => ({ status, text: Buffer.from(text) });

/** The answer to every recipient of a package that an honest server would accept, or "close". */
export function unfairAnswer(kinds: Kinds, facts: Facts): Response | "close" | undefined {
  const { encoding, bytes, sender, head } = facts;
  if (closesAt(kinds, facts)) return "close";
  if (encoding === "dos" && kinds.has("refuse-dos")) return answer("deferral", "cannot read CR LF");
  if (bytes === 0 && kinds.has("refuse-empty")) return answer("deferral", "the message is empty");
  if (sender.length === 0 && kinds.has("refuse-null-sender")) return answer("failure", "name a sender");
  if (/^Received:/m.test(head) && kinds.has("refuse-received")) return answer("failure", "mail loop");
  if (/^[ \t]/m.test(head) && kinds.has("refuse-folding")) return answer("failure", "bad header");
  return undefined;
}

function closesAt(kinds: Kinds, { sender, recipients, head }: Facts): boolean {
  const { length } = sender;
  return (
    (kinds.has("hundred-recipients") && recipients > 100) ||
    (kinds.has("close-on-nul") && head.includes("\0")) ||
    (kinds.has("close-on-quote") && sender.includes('"')) ||
    (kinds.has("close-on-8-bit") && sender.some((byte) => byte > 0x7f)) ||
    (kinds.has("close-on-900") && length >= 900 && length < 1_000) ||
    (kinds.has("close-on-1000") && length >= 1_000)
  );
}
