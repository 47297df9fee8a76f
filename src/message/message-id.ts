import type { Message } from "../protocol/package.ts";

/** Bytes to search: enough for the header of any usual message. */
const MAX_BYTES = 65_536;
const MESSAGE_ID = /^message-id[ \t]*:[ \t]*(?:\r?\n[ \t]+)?([^\s]+)/im;

/** The Message-ID of a message; undefined if there is none near its beginning. */
export async function messageId(message: Message): Promise<string | undefined> {
  let text = "";
  try {
    for await (const chunk of message.chunks()) {
      text += chunk.subarray(0, MAX_BYTES - text.length).toString("latin1");
      if (text.length >= MAX_BYTES) break;
    }
  } catch {
    // Sending the message reports what is wrong with it.
    return undefined;
  }
  const [header = ""] = text.split(/(?:^|\n)\r?\n/, 1);
  return MESSAGE_ID.exec(header)?.[1];
}
