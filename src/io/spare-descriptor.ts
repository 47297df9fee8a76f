import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { QmtpError, systemCode } from "../errors.ts";

/** A descriptor that is kept for files, for when connections have taken all others. */
export class SpareDescriptor {
  #fd: number | undefined = openSync(devNull, "r");

  /** Does work that needs a descriptor until it returns: the spare one, if there is no other. */
  lendTo<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (this.#fd === undefined || !isLackOfDescriptors(error)) throw error;
    }
    this.close();
    try {
      return work();
    } finally {
      this.#fd = openSync(devNull, "r");
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function isLackOfDescriptors(error: unknown): boolean {
  const code = systemCode(error instanceof QmtpError ? error.cause : error);
  return code === "EMFILE" || code === "ENFILE";
}
