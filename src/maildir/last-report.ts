import { fstatSync, ftruncateSync, readFileSync } from "node:fs";
import { writeWhole } from "../io/temporary-file.ts";

/** Milliseconds (a day) for which a problem that was reported is not reported again. */
const SILENCE_MS = 86_400_000;

/**
 * The problem that the last run reported, kept in the lock file. Under cron, a run that meets the same dead server as
 * the run before has no news, and cron's mail about it may end up in this very maildir.
 *
 * If the file cannot be read or written, the next run just repeats the report.
 */
export class LastReport {
  readonly #fd: number;

  /** @param fd the lock file, while we have the lock */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Whether the same problem was reported less than a day ago. If not, records it as reported now. */
  isOld(problem: string): boolean {
    try {
      const { mtimeMs, size } = fstatSync(this.#fd);
      const then = size === 0 ? "" : readFileSync(this.#fd, "utf8");
      if (then === problem && Date.now() - mtimeMs < SILENCE_MS) return true;
      ftruncateSync(this.#fd);
      writeWhole(this.#fd, Buffer.from(problem), 0);
    } catch {}
    return false;
  }

  /** The problem is over. */
  forget(): void {
    try {
      if (fstatSync(this.#fd).size > 0) ftruncateSync(this.#fd);
    } catch {}
  }
}
