import { inputTimeout, readingFailed, systemCode, unreadable, unreadableArgument } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { type Patience, startWait } from "../io/patience.ts";
import type { InputStream } from "../io/streams.ts";

/**
 * Everything on a stream, which is small enough for memory: addresses, certificates. Closes the stream.
 * @param name what to call it in errors
 * @throws {QmtpError} unreadable-input, input-timeout; usage, for a directory
 */
export async function wholeInput(stream: InputStream, name: string, patience: Patience): Promise<Buffer> {
  const copies: Buffer[] = [];
  const wait = startWait(patience, (ms) => inputTimeout(name, ms, copies.length > 0));
  const { signal } = wait;
  const stopListening = onAbort(signal, () => stream.destroy());
  try {
    // A chunk may be valid only until the next one is read.
    for await (const chunk of stream) copies.push(Buffer.from(chunk));
    signal.throwIfAborted();
    return Buffer.concat(copies);
  } catch (error) {
    if (signal.aborted) throw readingFailed(name, patience.signal, signal.reason);
    throw (systemCode(error) === "EISDIR" ? unreadableArgument : unreadable)(name, error);
  } finally {
    wait.end();
    stopListening();
    stream.destroy();
  }
}
