import { spawnSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { QmtpError, reason } from "../errors.ts";

const NAME = ".qmtp-lock";
/** If something else is in the file's place, opening neither waits for it nor follows it. */
const OPEN = constants.O_WRONLY | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOFOLLOW;
/** flock(1)'s exit code when another process holds the lock. */
const HELD = 1;

/**
 * Locks a maildir against other runs, until the lock is released or this process ends, however it ends. The lock is
 * the system's (flock(2)); the file stays, and means nothing by itself. flock(1) and setlock(1) can use the same
 * file.
 *
 * Node cannot lock files. But a lock belongs to an open file, which a child shares: flock(1) takes the lock, and we
 * still have it when flock(1) has exited.
 *
 * @throws {QmtpError} maildir-locked, unlockable-maildir
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
  throw new QmtpError("maildir-locked", message);
}

function openLock(maildir: string, path: string): number {
  try {
    return openSync(path, OPEN, 0o600);
  } catch (error) {
    throw unlockable(maildir, reason(error), error);
  }
}

function unlockable(maildir: string, why: string, cause: unknown): QmtpError {
  const message = `cannot lock the maildir ${maildir}: ${why}; name a maildir that can be written`;
  return new QmtpError("unlockable-maildir", message, { cause });
}
