import type { Socket } from "node:net";

/** What a server said before it closed can be read at once. After this many milliseconds, nothing more will come. */
export const GRACE_MS = 1_000;

/**
 * Makes a socket deliver unread responses after a write error. A server that refuses in the middle of a package
 * answers and closes at once. If a write fails before Node has read the answer, Node throws the answer away.
 */
export function keepReading(socket: Socket): void {
  const destroy = socket.destroy.bind(socket);
  const push = socket.push.bind(socket);
  let writeError: Error | undefined;

  /** After a failed write, only the end of the input or the grace period destroys the socket. */
  socket.destroy = (error?: Error) => {
    if (writeError === undefined && isWriteError(error) && !socket.readableEnded) {
      writeError = error;
      const timer = setTimeout(destroy, GRACE_MS, writeError);
      socket.once("close", () => clearTimeout(timer));
      return socket;
    }
    return destroy(error === undefined ? undefined : (writeError ?? error));
  };

  /** Node ignores data after an error, so this emits it. */
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
