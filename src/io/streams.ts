import type { Writable } from "node:stream";

/** A stream that may be a terminal. */
export type OutputStream = Writable & { readonly isTTY?: boolean };
export type InputStream = AsyncIterable<Buffer> & { readonly isTTY?: boolean; destroy(): unknown };
