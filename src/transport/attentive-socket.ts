import { Socket } from "node:net";

/** What a server has said before it closed is at hand at once; longer than this, nothing will come. */
const GRACE_MS = 1_000;

/**
 * A socket whose failed write does not take along what the other side has said. A server that refuses in the
 * middle of a package answers and closes in one breath; node, if it meets the closing with a write before it has
 * read the answer, would throw the answer away.
 */
export class AttentiveSocket extends Socket {
  #writeError: Error | undefined;

  /** After a failed write, only the end of reading destroys the socket, or the time for it. */
  override destroy(error?: Error): this {
    if (this.#writeError === undefined && isWriteError(error) && !this.readableEnded) {
      this.#writeError = error;
      const timer = setTimeout(() => super.destroy(error), GRACE_MS);
      this.once("close", () => clearTimeout(timer));
      return this;
    }
    return super.destroy(error === undefined ? undefined : (this.#writeError ?? error));
  }

  /** Node takes nothing more in after an error, so it is passed on from here. */
  override push(chunk: Buffer | null): boolean {
    if (this.#writeError === undefined) return super.push(chunk);
    if (chunk === null) super.destroy(this.#writeError);
    else this.emit("data", chunk);
    return true;
  }
}

function isWriteError(error: Error | undefined): error is Error {
  return error !== undefined && "syscall" in error && error.syscall === "write";
}
