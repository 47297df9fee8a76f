import type { Writable } from "node:stream";

/** A stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };
export type InputStream = AsyncIterable<Buffer> & {
  readonly isTTY?: boolean;
  /** The descriptor, if it is a regular file: large ones need not be copied. */
  readonly regularFile?: number;
  destroy(): unknown;
};
