import { QmtpError, unreadable } from "../errors.ts";

/**
 * Passes chunks on; turns a failure to read them into a QmtpError.
 * @param onChunk called with each chunk, before it is passed on
 * @throws {QmtpError} unreadable-input
 */
export async function* withReadErrors(
  chunks: AsyncIterable<Buffer>,
  name: string,
  onChunk?: () => void,
): AsyncGenerator<Buffer, void> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        throw error instanceof QmtpError ? error : unreadable(name, error);
      });
      if (next.done) return;
      onChunk?.();
      yield next.value;
    }
  } finally {
    await iterator.return?.();
  }
}
