import type { Context } from "../../cli/context.ts";
import { beginsWithField } from "../../header/header.ts";
import type { Message } from "../../protocol/package.ts";
import type { SendRequest } from "./read.ts";

/** Plain text is sent as it is, like any message; a user at a terminal may have meant something else. */
export async function suggestSubject(
  { message: { composition, raw, readRecipients }, output }: SendRequest,
  message: Message,
  context: Context,
): Promise<void> {
  // With these, a subject cannot be given.
  if (composition !== undefined || raw || readRecipients || output.quiet) return;
  // Whether standard error is a terminal is asked last, because that takes longer than all else.
  if ((await hasHeader(message)) || !context.stderr.isTTY) return;
  context.say("this has no header; --subject makes a message of it");
}

/** An empty message counts as one that has: there is nothing to make a message of. */
async function hasHeader(message: Message): Promise<boolean> {
  for await (const chunk of message.chunks()) if (chunk.length > 0) return beginsWithField(chunk);
  return true;
}
