import { closeSync, ftruncateSync, openSync } from "node:fs";
import { QmtpError, reason, visiblePath } from "../errors.ts";
import { writeWhole } from "../io/temporary-file.ts";

/** A file for a report. It is opened before the work begins, and its old content stays until there is a new report. */
export class ReportFile {
  readonly #path: string;
  readonly #fd: number;

  /** @throws {QmtpError} unwritable-report */
  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, "a");
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  /** Writes the report, and closes the file. @throws {QmtpError} unwritable-report */
  write(text: string): void {
    try {
      try {
        ftruncateSync(this.#fd);
      } catch {
        // A device or a pipe has no old content.
      }
      writeWhole(this.#fd, Buffer.from(text));
      closeSync(this.#fd);
    } catch (error) {
      throw this.#unwritable(error);
    }
  }

  #unwritable(error: unknown): QmtpError {
    const message = `cannot write the report to ${visiblePath(this.#path)}: ${reason(error)}`;
    return new QmtpError("unwritable-report", message, { cause: error });
  }
}
