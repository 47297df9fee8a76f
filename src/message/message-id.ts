import type { Message } from "../protocol/package.ts";

/** Enough for the fields before the text of any usual message, in bytes. */
const MAX_BYTES = 65_536;
const MESSAGE_ID = /^message-id[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^\s]+)/im;

/** The Message-ID of a message; undefined if it has none, or far from its beginning. */
export async function messageId(message: Message): Promise<string | undefined> {
  let text = "";
  try {
    for await (const chunk of message.chunks()) {
      text += chunk.subarray(0, MAX_BYTES - text.length).toString("latin1");
      if (text.length >= MAX_BYTES) break;
    }
  } catch {
    // What is wrong with the message is found when it is sent.
    return undefined;
  }
  const [header = ""] = text.split(/(?:^|\n)\r?\n/, 1);
  return MESSAGE_ID.exec(header)?.[1];
}
