import type { Status } from "../protocol/response.ts";

/** The length or the end of a response was wrong. */
export interface Broken {
  readonly message: string;
  /** The bytes in which it shows, with what follows. */
  readonly bytes: Buffer;
}

/** A response in this run, or bytes that are not a response. */
export interface Seen {
  readonly caseId: string;
  /** The recipients of the packages on that connection. */
  readonly recipients: readonly Buffer[];
  /** Without length and comma; undefined if the bytes were broken. */
  readonly content: Buffer | undefined;
  readonly broken?: Broken;
}

const STATUS: Readonly<Record<string, Status>> = { K: "success", Z: "deferral", D: "failure" };

/** Undefined unless the first byte is K, Z or D. */
export function statusOf(content: Buffer): Status | undefined {
  return STATUS[content.toString("latin1", 0, 1)];
}

/** A response in words. */
export function inWords(content: Buffer): string {
  const status = statusOf(content);
  if (status === undefined) return content.length === 0 ? "an empty response" : `"${content}"`;
  return `${status}: ${content.subarray(1)}`;
}
