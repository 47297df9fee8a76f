import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { Delivery } from "../protocol/delivery.ts";
import { STATUS_LETTER } from "../protocol/response.ts";
import { inheritedKind } from "../transport/inherited.ts";

/** The descriptor on which callers that support exit code 82 read the text of a refusal. */
const REFUSAL = 6;
const MAX_REFUSAL = 255;

/**
 * Writes the server's text for the recipient that decides the exit code to descriptor 6, if the caller made a pipe
 * there.
 * @returns that recipient's delivery, or undefined if nothing was written
 */
export function writeRefusal(deliveries: readonly Delivery[]): Delivery | undefined {
  if (inheritedKind(REFUSAL) !== "pipe") return undefined;
  const deferral = deliveries.find(({ status, origin }) => status === "deferral" && origin === "server");
  const decisive = deferral ?? deliveries.find(({ status }) => status === "failure");
  if (decisive === undefined) return undefined;
  const said = decisive.text.toString("latin1").replace(/[^\x20-\x7e]/g, "?");
  const text = STATUS_LETTER[decisive.status] + said;
  try {
    // Fails if the descriptor is read-only. It is opened again so that writing does not block when the pipe is full.
    writeSync(REFUSAL, Buffer.alloc(0));
    const fd = openSync(`/dev/fd/${REFUSAL}`, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, text.slice(0, MAX_REFUSAL), null, "latin1");
    } finally {
      closeSync(fd);
    }
    return decisive;
  } catch {
    // The exit code alone has to do.
    return undefined;
  }
}
