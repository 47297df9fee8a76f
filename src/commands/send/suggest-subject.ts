import type { Context } from "../../cli/context.ts";
import { beginsWithField } from "../../header/header.ts";
import type { Message } from "../../protocol/package.ts";
import type { SendRequest } from "./read.ts";

/** Plain text is sent unchanged, like any message. Tells a user at a terminal, who may not have meant that. */
export async function suggestSubject(
  { message: { composition, raw, readRecipients }, output }: SendRequest,
  message: Message,
  context: Context,
): Promise<void> {
  // In these cases --subject does not help.
  if (composition !== undefined || raw || readRecipients || output.quiet) return;
  // Ask last whether standard error is a terminal, because that takes longest.
  if ((await hasHeader(message)) || !context.stderr.isTTY) return;
  context.say("the input has no header; --subject composes a message from it");
}

/** An empty message counts as having a header: there is no text to make a message of. */
async function hasHeader(message: Message): Promise<boolean> {
  for await (const chunk of message.chunks()) if (chunk.length > 0) return beginsWithField(chunk);
  return true;
}
