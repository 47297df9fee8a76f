import type { Delivery } from "../protocol/delivery.ts";

/*
 * What qmail-remote(8) prints, for qmail-rspawn: a record for each recipient that begins with r (accepted), h (failure)
 * or s (deferral), then one for the message that begins with K, Z or D. NUL ends a record, and a line feed its text.
 */

/** Bytes of a text to report: far more than any server sends. */
const MAX_TEXT = 2_000;

/** The record for a message that was not sent to a server. */
export function verdict(letter: "Z" | "D", text: string): string {
  return `${letter}${printable(Buffer.from(text))}\n\0`;
}

/**
 * The records for deliveries.
 * @param server the server's address
 */
export function remoteReport(deliveries: readonly Delivery[], server: string): string {
  const name = printable(Buffer.from(server));
  return `${deliveries.map((delivery) => recipientRecord(delivery, name)).join("")}${lastRecord(deliveries, name)}`;
}

function recipientRecord({ status, origin, text, possibleDuplicate }: Delivery, server: string): string {
  if (status === "success") return "r\0";
  const said = printable(text);
  if (origin === "server") {
    const letter = status === "failure" ? "h" : "s";
    return `${letter}${server} does not like recipient.\nRemote host said: ${said}\n\0`;
  }
  const duplicate = possibleDuplicate ? " Possible duplicate!" : "";
  return `sConnected to ${server} but ${said}.${duplicate} (#4.4.2)\n\0`;
}

function lastRecord(deliveries: readonly Delivery[], server: string): string {
  const accepted = deliveries.find(({ status }) => status === "success");
  if (accepted !== undefined) {
    return `K${server} accepted message.\nRemote host said: ${printable(accepted.text)}\n\0`;
  }
  const isFinal = deliveries.every(({ status }) => status === "failure");
  return `${isFinal ? "D" : "Z"}Giving up on ${server}.\n\0`;
}

function printable(text: Buffer): string {
  return text
    .subarray(0, MAX_TEXT)
    .toString("latin1")
    .replace(/[^\x20-\x7e]/g, "?");
}
