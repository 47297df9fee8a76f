import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { isatty } from "node:tty";
import type { Context } from "../context.ts";
import { type QueueEnvelope, readQueueEnvelope } from "../envelope/queue-envelope.ts";
import { inputError, interruptedReading } from "../errors.ts";
import { fileChunks } from "../message/file-chunks.ts";
import { readable } from "../message/readable.ts";

/** Standard output in every other command; qmail-queue(8) reads the envelope there. */
const ENVELOPE = 1;

/**
 * For whoever tries it by hand: nothing is waited for.
 * @throws {CommandError} unreadable-input
 */
export function refuseTerminal(): void {
  if (!isatty(ENVELOPE)) return;
  throw inputError("descriptor 1 is a terminal; it is where the envelope is read, from a pipe or a file");
}

/**
 * The envelope on descriptor 1.
 * @throws {CommandError} unreadable-input, bad-envelope, envelope-too-large
 */
export async function readEnvelope({ interrupted }: Context): Promise<QueueEnvelope> {
  const { chunks, stop } = bytesOfEnvelope();
  interrupted.addEventListener("abort", stop);
  try {
    return await readQueueEnvelope(readable(chunks, "the envelope on descriptor 1"));
  } catch (error) {
    throw interrupted.aborted ? interruptedReading("the envelope", interrupted) : error;
  } finally {
    interrupted.removeEventListener("abort", stop);
    stop();
  }
}

function bytesOfEnvelope(): { chunks: AsyncIterable<Buffer>; stop: () => void } {
  const kind = fstatSync(ENVELOPE);
  if (!kind.isFIFO() && !kind.isSocket()) return { chunks: fileChunks(ENVELOPE, null), stop: () => {} };
  const socket = new Socket({ fd: ENVELOPE, readable: true, writable: false });
  return { chunks: socket, stop: () => socket.destroy() };
}
