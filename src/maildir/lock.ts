import { spawnSync } from "node:child_process";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { QmtpError, reason, systemCode } from "../errors.ts";

const NAME = ".qmtp-lock";
/** If something else is in the file's place, opening does not hang on it or follow it. */
const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | constants.O_NOFOLLOW;
/** flock(1)'s exit code when another process holds the lock. */
const HELD = 1;

export interface MaildirLock {
  /** The lock file, open for reading and writing until the lock is released. */
  readonly fd: number;
  release(): void;
}

/**
 * Locks a maildir against other runs until the lock is released or this process ends, in whatever way. The lock is an
 * flock(2) on a file; the file itself stays and means nothing. flock(1) and setlock(1) can use the same file.
 *
 * Node cannot lock files. But a lock belongs to an open file, which a child process shares: flock(1) takes the lock,
 * and we still have it after flock(1) has exited.
 *
 * @throws {QmtpError} maildir-locked, unlockable-maildir
 */
export function lockMaildir(maildir: string): MaildirLock {
  const path = `${maildir}/${NAME}`;
  const fd = openLock(maildir, path);
  const { status, stderr, error } = spawnSync("flock", ["-n", "3"], {
    stdio: ["ignore", "ignore", "pipe", fd],
  });
  if (status === 0) return { fd, release: () => closeSync(fd) };
  closeSync(fd);
  const said = String(stderr ?? "").trim();
  if (error !== undefined || status !== HELD || said !== "") {
    throw unlockable(maildir, flockFailed(said, error), error);
  }
  const message = `another run is delivering the maildir ${maildir} (it has locked ${path}); nothing was done`;
  throw new QmtpError("maildir-locked", message);
}

function openLock(maildir: string, path: string): number {
  try {
    const fd = openSync(path, OPEN, 0o600);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch (error) {
    const found = IN_PLACE[systemCode(error) ?? ""];
    if (found !== undefined) throw unlockable(maildir, `${path} is ${found}; remove it`, error);
    throw unlockable(maildir, `${reason(error)}; name a maildir that can be written`, error);
  }
  throw unlockable(maildir, `${path} is ${IN_PLACE.ENXIO}; remove it`);
}

/** What is in the file's place, according to the error from opening it. */
const IN_PLACE: Readonly<Record<string, string>> = {
  ELOOP: "a symbolic link",
  EISDIR: "a directory",
  ENXIO: "a named pipe or a socket",
};

function flockFailed(said: string, error: Error | undefined): string {
  if (systemCode(error) === "ENOENT") return "there is no flock(1); install util-linux";
  return `flock(1) failed: ${error === undefined ? said || "no message" : reason(error)}`;
}

function unlockable(maildir: string, why: string, cause?: unknown): QmtpError {
  return new QmtpError("unlockable-maildir", `cannot lock the maildir ${maildir}: ${why}`, { cause });
}
