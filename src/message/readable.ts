import { CommandError, unreadable } from "../errors.ts";

/**
 * The same chunks, with a failure to read them put in our words, unless it is already.
 * @throws {CommandError} unreadable-input
 */
export async function* readable(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<Buffer, void> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        throw error instanceof CommandError ? error : unreadable(name, error);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
