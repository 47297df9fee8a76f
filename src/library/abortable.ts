import type { Message } from "../protocol/package.ts";

/** A message whose sending can be aborted, as long as its last byte has not been read. */
export interface Abortable {
  readonly message: Message;
  /** Whether all of it has been read, so that the server may have it. */
  readonly isRead: () => boolean;
}

/** @throws from `chunks`: what the signal was aborted with; the package is then never completed */
export function abortableMessage(message: Message, signal: AbortSignal): Abortable {
  let read = false;
  const done = () => {
    signal.throwIfAborted();
    read = true;
  };
  const chunks = () => {
    const source = message.chunks();
    return Symbol.iterator in source ? checked(source, signal, done) : checkedLater(source, signal, done);
  };
  return { message: { ...message, chunks }, isRead: () => read };
}

function* checked(chunks: Iterable<Buffer>, signal: AbortSignal, done: () => void): Generator<Buffer, void> {
  for (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
  done();
}

async function* checkedLater(
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
  done: () => void,
): AsyncGenerator<Buffer, void> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
  done();
}
