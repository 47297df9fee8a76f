import type { Writable } from "node:stream";

/** Resolves when the stream drains, closes or fails. */
export function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ["drain", "close", "error"]) stream.removeListener(event, done);
      resolve();
    };
    for (const event of ["drain", "close", "error"]) stream.once(event, done);
    if (!stream.writable) done();
  });
}
