import type { Writable } from "node:stream";

/** A stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };
export type InputStream = AsyncIterable<Buffer> & {
  readonly isTTY?: boolean;
  /** The descriptor, if the stream is a regular file: a large file need not be copied. */
  readonly regularFile?: number;
  destroy(): unknown;
};
