import { closeSync, constants, openSync } from "node:fs";
import { CommandError, reason } from "../errors.ts";
import { spawnSync } from "../subprocess.ts";

const NAME = ".qmtp-lock";
/** Whatever has taken the file's place is not waited for, and not followed. */
const OPEN = constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOFOLLOW;
/** flock(1)'s exit code where somebody else holds the lock. */
const HELD = 1;

/**
 * Locks a maildir against other runs, until the lock is released or this process ends, however it ends: the
 * system holds the lock (flock(2)) and not the file, which stays. The same file serves flock(1) and setlock(1).
 *
 * Node cannot lock files, but a lock belongs to an open file, which a child shares: flock(1) takes it and leaves
 * it with us.
 *
 * @throws {CommandError} maildir-locked, unlockable-maildir
 */
export function lockMaildir(maildir: string): { release(): void } {
  const path = `${maildir}/${NAME}`;
  const fd = openLock(maildir, path);
  const { status, stderr, error } = spawnSync("flock", ["-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", fd],
  });
  if (status === 0) return { release: () => closeSync(fd) };
  closeSync(fd);
  const said = String(stderr ?? "").trim();
  if (error !== undefined || status !== HELD || said !== "") {
    const why = error === undefined ? said || "flock failed" : `flock (util-linux): ${reason(error)}`;
    throw unlockable(maildir, why, error);
  }
  const message = `another run is delivering the maildir ${maildir} (it holds ${path}); nothing was done`;
  throw new CommandError(message, { code: "maildir-locked" });
}

function openLock(maildir: string, path: string): number {
  try {
    return openSync(path, OPEN, 0o600);
  } catch (error) {
    throw unlockable(maildir, reason(error), error);
  }
}

function unlockable(maildir: string, why: string, cause: unknown): CommandError {
  const message = `cannot lock the maildir ${maildir}: ${why}; name a maildir that can be written`;
  return new CommandError(message, { code: "unlockable-maildir", cause });
}
