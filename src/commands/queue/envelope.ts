import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { isatty } from "node:tty";
import type { Context } from "../../cli/context.ts";
import { type QueueEnvelope, readQueueEnvelope } from "../../envelope/queue-envelope.ts";
import { inputError, inputTimeout, readingFailed } from "../../errors.ts";
import { onAbort } from "../../io/abort.ts";
import { type Patience, startWait } from "../../io/patience.ts";
import { fileChunks } from "../../message/file-chunks.ts";
import { withReadErrors } from "../../message/read-errors.ts";

/** qmail-queue(8) reads the envelope from this descriptor, which is standard output for every other command. */
const ENVELOPE = 1;

/**
 * Fails if descriptor 1 is a terminal: a user who tries the command by hand would see it hang.
 * @throws {QmtpError} unreadable-input
 */
export function refuseTerminal(): void {
  if (!isatty(ENVELOPE)) return;
  throw inputError("descriptor 1 is a terminal; the envelope is read there, from a pipe or a file");
}

/**
 * The envelope on descriptor 1.
 * @throws {QmtpError} unreadable-input, bad-envelope, address-too-long, envelope-too-large
 */
export async function readEnvelope(
  { limit }: Pick<Patience, "limit">,
  { interrupted }: Context,
): Promise<QueueEnvelope> {
  const { chunks, stop } = envelopeBytes();
  const name = "the envelope on descriptor 1";
  let begun = false;
  const wait = startWait({ signal: interrupted, limit }, (ms) => inputTimeout(name, ms, begun));
  const { signal } = wait;
  const stopListening = onAbort(signal, stop);
  try {
    const onChunk = () => {
      begun = true;
    };
    const envelope = await readQueueEnvelope(withReadErrors(chunks, name, onChunk));
    signal.throwIfAborted();
    return envelope;
  } catch (error) {
    throw readingFailed("the envelope", interrupted, signal.aborted ? signal.reason : error);
  } finally {
    wait.end();
    stopListening();
    stop();
  }
}

function envelopeBytes(): { chunks: AsyncIterable<Buffer>; stop: () => void } {
  const kind = fstatSync(ENVELOPE);
  if (!kind.isFIFO() && !kind.isSocket()) return { chunks: fileChunks(ENVELOPE, null), stop: () => {} };
  const socket = new Socket({ fd: ENVELOPE, readable: true, writable: false });
  return { chunks: socket, stop: () => socket.destroy() };
}
