import type { Context } from "../../cli/context.ts";
import { readingFailed, systemCode, unreadable, unreadableArgument } from "../../errors.ts";
import { onAbort } from "../../io/abort.ts";
import { inputStream, openForReading } from "../../message/input.ts";

/**
 * The bytes of a file of any kind, or of standard input (`-`), up to a signal. A chunk is valid until the next one is
 * read.
 * @throws {QmtpError} unreadable-input; usage, for a directory
 */
export async function* inputChunks(path: string, context: Context): AsyncGenerator<Buffer, void> {
  const { interrupted } = context;
  const name = path === "-" ? "standard input" : path;
  if (path === "-" && context.stdin.isTTY)
    context.say("reading from the terminal; end it with Ctrl-D on a new line");
  const stream = path === "-" ? context.stdin : await inputStream(openForReading(path));
  const stopListening = onAbort(interrupted, () => stream.destroy());
  try {
    for await (const chunk of stream) {
      yield chunk;
      if (interrupted.aborted) return;
    }
  } catch (error) {
    // What came before is decoded.
    if (interrupted.aborted) return;
    const known = systemCode(error) === "EISDIR" ? unreadableArgument : unreadable;
    throw readingFailed(name, interrupted, known(name, error));
  } finally {
    stopListening();
    stream.destroy();
  }
}
