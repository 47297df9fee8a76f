import type { Context, Output } from "../context.ts";

/** Whether colour and movement have a place on this stream: a terminal, and nobody who declined. */
export function isDecorated(stream: Output, env: Context["env"], wanted: boolean): boolean {
  return wanted && stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}
