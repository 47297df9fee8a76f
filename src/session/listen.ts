import type { Duplex } from "node:stream";
import { QmtpError, reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { Deadline } from "../io/deadline.ts";
import { OPENING_LENGTH, readOpening } from "../protocol/opening.ts";
import { outOfTurn } from "./cause.ts";
import type { Observer } from "./contract.ts";

export interface ListenOptions {
  readonly waitMs: number;
  /** Ends the wait. */
  readonly signal: AbortSignal;
  readonly observer?: Pick<Observer, "received"> | undefined;
}

const LF = 0x0a;

/**
 * Waits for what no QMTP server does before it has a package: to speak, or to close the connection. Closes the
 * connection then.
 * @returns what it did, or null
 */
export function listenOutOfTurn(
  connection: Duplex,
  { waitMs, signal, observer }: ListenOptions,
): Promise<QmtpError | null> {
  return new Promise((resolve) => {
    let heard: Buffer = Buffer.alloc(0);
    let finished = false;
    let stopListening = () => {};
    const finish = (error: QmtpError | null) => {
      if (finished) return;
      finished = true;
      deadline.stop();
      stopListening();
      if (error === null) connection.end(() => connection.destroy());
      else connection.destroy();
      resolve(heard.length > 0 ? outOfTurn(readOpening(heard)) : error);
    };
    const deadline = new Deadline(waitMs, () => finish(null));
    deadline.start();
    stopListening = onAbort(signal, () => finish(null));
    connection.on("data", (chunk: Buffer) => {
      if (finished) return;
      observer?.received(chunk);
      heard = Buffer.concat([heard, chunk]);
      // The rest of its first words is worth waiting for.
      if (heard.length >= OPENING_LENGTH || heard.includes(LF)) finish(null);
    });
    const closed = () =>
      finish(new QmtpError("connection-closed", "the server closed the connection at once"));
    connection.on("end", closed);
    connection.on("close", closed);
    connection.on("error", (error) =>
      finish(error instanceof QmtpError ? error : new QmtpError("connection-failed", reason(error))),
    );
  });
}
