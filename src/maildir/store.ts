import { randomBytes } from "node:crypto";
import { mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { named, QmtpError, reason, systemCode } from "../errors.ts";

/**
 * Creates a maildir that only its owner can read, unless it exists. Its parent folder must exist.
 * @throws {QmtpError} unwritable-maildir
 */
export async function createMaildir(path: string): Promise<void> {
  const inside = ["tmp", "new", "cur"].map((name) => `${path}/${name}`);
  let existed = false;
  try {
    existed = !(await created(path));
    if (!existed) await sync(dirname(path));
    const some = await Promise.all(inside.map(created));
    if (some.includes(true)) await sync(path);
  } catch (error) {
    const denied = ["EACCES", "EPERM", "EROFS"].includes(systemCode(error) ?? "");
    const why = `${named(path)}: ${reason(error)}; name another folder`;
    const message =
      existed && denied ? `cannot write to the maildir ${why}` : `cannot create the maildir ${why}`;
    throw new QmtpError("unwritable-maildir", message, { cause: error });
  }
}

/** Whether the folder was created; an existing one will do. */
async function created(folder: string): Promise<boolean> {
  try {
    // Not recursive: Node's recursion never ends if a folder cannot be created at all, as in /proc.
    await mkdir(folder, 0o700);
    return true;
  } catch (error) {
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw error;
    return false;
  }
}

/**
 * Puts a message into a maildir, whole or not at all: it is written in tmp/, synced, and renamed into new/, which is
 * synced too (maildir(5)).
 * @throws the system's error; then no file is left
 */
export async function storeMessage(
  maildir: string,
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  await putMessage(maildir, pieces);
  await syncNew(maildir);
}

/**
 * The same without the last step: the message is durable only after `syncNew`, which can serve many messages.
 * @throws the system's error; then no file is left
 */
export async function putMessage(
  maildir: string,
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  const name = uniqueName();
  const temporary = `${maildir}/tmp/${name}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    try {
      for await (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, `${maildir}/new/${name}`);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** Makes new names durable: without it, a power failure may lose them, though not the bytes of the files. */
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

/** time.random.host, as maildir(5) says; the host's name must not contain / or :. */
function uniqueName(): string {
  const host = hostname().replaceAll("/", "\\057").replaceAll(":", "\\072");
  const now = Date.now();
  const microseconds = String((now % 1_000) * 1_000).padStart(6, "0");
  return `${Math.floor(now / 1_000)}.M${microseconds}R${randomBytes(8).toString("hex")}.${host}`;
}
