import { inWords } from "./seen.ts";

/** What was received on a connection until it was enough, or no more could come. */
export interface Heard {
  /** Of all responses so far, without length and comma. */
  readonly responses: readonly Buffer[];
  /** Bytes received so far. */
  readonly bytes: number;
  /** `closed`: also by a reset. `broken`: what came is not a response. */
  readonly end: "enough" | "time" | "closed" | "broken";
  /** Milliseconds that were waited at most. */
  readonly waitedMs: number;
  /** Milliseconds since the last byte, or since the wait began. */
  readonly quietMs: number;
  /** Milliseconds per response so far. */
  readonly paceMs: number;
}

/** What was received, in words. */
export function heardInWords({ responses, bytes, end, waitedMs }: Heard): string {
  const what = responses.length === 0 ? "" : responsesInWords(responses);
  switch (end) {
    case "enough":
      return what || `${bytes} bytes`;
    case "time":
      return `${what ? `${what}, then nothing` : "nothing"} for ${waitedMs / 1_000} s`;
    case "closed":
      return `${what ? `${what}, then ` : ""}the connection was closed`;
    case "broken":
      return `${what ? `${what}, then ` : ""}bytes that are not a response`;
  }
}

/** Not more than one of them is quoted. */
function responsesInWords(responses: readonly Buffer[]): string {
  const [first] = responses;
  if (first !== undefined && responses.length === 1) return `1 response (${inWords(first)})`;
  return `${responses.length} responses`;
}
