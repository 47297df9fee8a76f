import { closeSync, constants, fstatSync, ftruncateSync, openSync } from "node:fs";
import { QmtpError, reason, visiblePath } from "../errors.ts";
import { writeWhole } from "../io/temporary-file.ts";

const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;

/**
 * A file for a transcript. Its old content is removed when the first line is written, so that a run that prints no
 * transcript leaves the file alone.
 */
export class TraceFile {
  readonly #path: string;
  readonly #say: (line: string) => void;
  /** Undefined once a write has failed. */
  #fd: number | undefined;
  #begun = false;

  /**
   * @param say called with a line if the file can no longer be written; the run continues
   * @throws {QmtpError} unwritable-trace
   */
  constructor(path: string, say: (line: string) => void) {
    this.#path = path;
    this.#say = say;
    try {
      this.#fd = openForWriting(path);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  readonly write = (text: string): void => {
    if (this.#fd === undefined) return;
    try {
      if (!this.#begun && fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd);
      this.#begun = true;
      writeWhole(this.#fd, Buffer.from(text));
    } catch (error) {
      closeSync(this.#fd);
      this.#fd = undefined;
      this.#say(this.#unwritable(error).message);
    }
  };

  #unwritable(error: unknown): QmtpError {
    const message = `cannot write the transcript to ${visiblePath(this.#path)}: ${reason(error)}`;
    return new QmtpError("unwritable-trace", message, { cause: error });
  }
}

/** A named pipe without a reader is an error: opening must not wait. Later writes block, also on a terminal. */
function openForWriting(path: string): number {
  const flags = O_WRONLY | O_CREAT | O_APPEND;
  const fd = openSync(path, flags | O_NONBLOCK);
  if (fstatSync(fd).isFile()) return fd;
  try {
    return openSync(path, flags);
  } finally {
    closeSync(fd);
  }
}
