import { fstatSync, ftruncateSync, readFileSync } from "node:fs";
import { writeWhole } from "../io/temporary-file.ts";

/** What is reported already need not be reported again for this many milliseconds: a day. */
const SILENCE_MS = 86_400_000;

/**
 * What the last run has reported, kept in the lock file. A run under cron that finds the server as dead as the one
 * before has nothing new to say, and cron's mail about it may land in this very maildir.
 *
 * A problem with the file changes nothing else: the next run just says everything again.
 */
export class Reported {
  readonly #fd: number;

  /** @param fd the lock file, for as long as the lock is held */
  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Whether the same problem was reported less than a day ago; if not, it counts as reported from now on. */
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
