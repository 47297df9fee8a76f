import type { Socket } from "node:net";

/** Milliseconds to read on after a write error. What a server sent before it closed can be read at once. */
export const GRACE_MS = 1_000;

/**
 * Makes a socket deliver unread responses after a write error. A server that rejects a package before its end
 * responds and closes at once. If a write fails before Node has read the response, Node discards the response.
 */
export function keepReading(socket: Socket): void {
  const destroy = socket.destroy.bind(socket);
  const push = socket.push.bind(socket);
  let writeError: Error | undefined;

  /** After a failed write, the socket is destroyed only at the end of input or after the grace period. */
  socket.destroy = (error?: Error) => {
    if (writeError === undefined && isWriteError(error) && !socket.readableEnded) {
      writeError = error;
      const timer = setTimeout(destroy, GRACE_MS, writeError);
      socket.once("close", () => clearTimeout(timer));
      return socket;
    }
    return destroy(error === undefined ? undefined : (writeError ?? error));
  };

  /** Node drops data after an error, so emit it here. */
  socket.push = (chunk: Buffer | null) => {
    if (writeError === undefined) return push(chunk);
    if (chunk === null) destroy(writeError);
    else socket.emit("data", chunk);
    return true;
  };
}

function isWriteError(error: Error | undefined): error is Error {
  return error !== undefined && "syscall" in error && error.syscall === "write";
}
