import type { Socket } from "node:net";

/** What a server has said before it closed is at hand at once; longer than this, nothing will come. */
export const GRACE_MS = 1_000;

/**
 * Makes a socket whose failed write does not take along what the other side has said. A server that refuses in the
 * middle of a package answers and closes in one breath; node, if it meets the closing with a write before it has
 * read the answer, would throw the answer away.
 */
export function makeAttentive(socket: Socket): void {
  const destroy = socket.destroy.bind(socket);
  const push = socket.push.bind(socket);
  let writeError: Error | undefined;

  /** After a failed write, only the end of reading destroys the socket, or the time for it. */
  socket.destroy = (error?: Error) => {
    if (writeError === undefined && isWriteError(error) && !socket.readableEnded) {
      writeError = error;
      const timer = setTimeout(destroy, GRACE_MS, writeError);
      socket.once("close", () => clearTimeout(timer));
      return socket;
    }
    return destroy(error === undefined ? undefined : (writeError ?? error));
  };

  /** Node takes nothing more in after an error, so it is passed on from here. */
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
