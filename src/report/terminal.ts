import type { Environment } from "../io/environment.ts";
import type { OutputStream } from "../io/streams.ts";

/** Whether to use colour and spinners on a stream: it is a terminal, and the user has not declined. */
export function isDecorated(stream: OutputStream, env: Environment, wanted: boolean): boolean {
  return wanted && stream.isTTY === true && !env.NO_COLOR && env.TERM !== "dumb";
}

/** Of what is no terminal. Some terminals report zero columns. */
const COLUMNS = 80;

/** How many characters fit on a line. */
export function columnsOf(stream: OutputStream): number {
  return ("columns" in stream && Number(stream.columns)) || COLUMNS;
}
