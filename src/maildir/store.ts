import { randomBytes } from "node:crypto";
import { closeSync, fsync, openSync, renameSync } from "node:fs";
import { mkdir, open, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { QmtpError, reason, systemCode, visiblePath } from "../errors.ts";
import { writeWhole } from "../io/temporary-file.ts";

/**
 * Creates a maildir that only its owner can read, unless it exists. Its parent directory must exist.
 * @throws {QmtpError} unwritable-maildir
 */
export async function createMaildir(path: string): Promise<void> {
  const inside = ["tmp", "new", "cur"].map((name) => `${path}/${name}`);
  let existed = false;
  try {
    existed = !(await createFolder(path));
    if (!existed) await sync(dirname(path));
    const some = await Promise.all(inside.map(createFolder));
    if (some.includes(true)) await sync(path);
  } catch (error) {
    const denied = ["EACCES", "EPERM", "EROFS"].includes(systemCode(error) ?? "");
    const why = `${visiblePath(path)}: ${reason(error)}; name another folder`;
    const message =
      existed && denied ? `cannot write to the maildir ${why}` : `cannot create the maildir ${why}`;
    throw new QmtpError("unwritable-maildir", message, { cause: error });
  }
}

/** @returns whether the folder was created, or false if it exists */
async function createFolder(folder: string): Promise<boolean> {
  try {
    // Not recursive: with that option, Node never returns if a folder cannot be created at all, as in /proc.
    await mkdir(folder, 0o700);
    return true;
  } catch (error) {
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw error;
    return false;
  }
}

/**
 * Messages to sync at the same time: each needs a thread, and an open file. The file system's journal commits them
 * together, so that they take little longer than one.
 */
export const MAX_SYNCS = 64;

type Pieces = Iterable<Buffer> | AsyncIterable<Buffer>;

/** A message in tmp/, complete but not durable. */
export interface WrittenMessage {
  /**
   * Syncs it and renames it into new/. It is durable after `syncNew`, one call of which serves many messages.
   * @throws the system's error; no file is left then
   */
  place(): Promise<void>;
}

/**
 * The first step of putting a message into a maildir, completely or not at all (maildir(5)): writes it in tmp/. The next
 * ones are `place` and `syncNew`. Writing only copies to the system's memory, so it is synchronous; many messages can
 * then be synced at the same time.
 * @throws the system's error; no file is left then
 */
export async function writeMessage(maildir: string, pieces: Pieces): Promise<WrittenMessage> {
  const name = uniqueName();
  const temporary = `${maildir}/tmp/${name}`;
  const fd = openSync(temporary, "wx", 0o600);
  try {
    for await (const piece of pieces) writeWhole(fd, piece);
  } catch (error) {
    closeSync(fd);
    await remove(temporary);
    throw error;
  }
  const place = async () => {
    try {
      await synced(fd).finally(() => closeSync(fd));
      renameSync(temporary, `${maildir}/new/${name}`);
    } catch (error) {
      await remove(temporary);
      throw error;
    }
  };
  return { place };
}

async function remove(path: string): Promise<void> {
  await unlink(path).catch(() => undefined);
}

function synced(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
}

/** Makes names in new/ durable: without it, a power failure may lose them, though not the content of the files. */
export function syncNew(maildir: string): Promise<void> {
  return sync(`${maildir}/new`);
}

async function sync(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** A name in maildir(5)'s form, time.unique.host. The host must not contain / or a colon. */
function uniqueName(): string {
  const host = hostname().replaceAll("/", "\\057").replaceAll(":", "\\072");
  const now = Date.now();
  const microseconds = String((now % 1_000) * 1_000).padStart(6, "0");
  return `${Math.floor(now / 1_000)}.M${microseconds}R${randomBytes(8).toString("hex")}.${host}`;
}
