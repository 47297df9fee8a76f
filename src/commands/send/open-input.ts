import type { Context } from "../../cli/context.ts";
import { type MessageOptions, type OpenMessage, openFile, readStream } from "../../message/open.ts";

/**
 * Opens the message, or a part of one.
 * @param source a path, or `-` for standard input
 * @param what its name in the prompt to a user at a terminal
 * @throws {QmtpError} usage, for a directory; unreadable-input, unwritable-spool, bad-header
 */
export async function openInput(
  source: string,
  what: string,
  format: MessageOptions,
  context: Context,
): Promise<OpenMessage> {
  if (source !== "-") return openFile(source, format);
  if (context.stdin.isTTY) {
    context.say(`reading ${what} from the terminal; end it with Ctrl-D on a new line`);
  }
  return readStream(context.stdin, "standard input", format);
}
