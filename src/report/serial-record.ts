import type { Status } from "../protocol/response.ts";

const LETTER: Record<Status, string> = { success: "K", deferral: "Z", failure: "D" };
/** Bytes of a line at most: status, server and text, without the line feed. */
const MOST_LINE = 2_000;

/**
 * serialqmtp's record of a result, which maildirserial reads: the file's name, NUL, and a line of the status, who
 * says so, and the text in printable ASCII. Each character stands for one byte.
 * @param remoteIp the server, as $TCPREMOTEIP names it
 */
export function serialRecord(
  name: string,
  { status, text }: { readonly status: Status; readonly text: Buffer },
  remoteIp: string | undefined,
): string {
  const server = remoteIp === undefined ? "" : `${remoteIp} said: `;
  const start = `${LETTER[status]}${server}`;
  const said = text.subarray(0, Math.max(0, MOST_LINE - start.length)).toString("latin1");
  return `${name}\0${`${start}${said}`.replace(/[^\x20-\x7e]/g, "?")}\n`;
}
