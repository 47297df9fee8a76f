import { randomBytes } from "node:crypto";
import { mkdir, open, rename, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { dirname } from "node:path";

/**
 * Makes a maildir with its three folders, readable for its owner only, where there is none. The folder above
 * must be there.
 * @throws the system's error
 */
export async function makeMaildir(path: string): Promise<void> {
  const inside = ["tmp", "new", "cur"].map((name) => `${path}/${name}`);
  if (await made(path)) await sync(dirname(path));
  const some = await Promise.all(inside.map(made));
  if (some.includes(true)) await sync(path);
}

/** Whether the folder was made; one that is there is as good. */
async function made(folder: string): Promise<boolean> {
  try {
    // Not Node's recursive one, which never ends where a folder cannot be made at all, as in /proc.
    await mkdir(folder, 0o700);
    return true;
  } catch (error) {
    if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw error;
    return false;
  }
}

/**
 * Puts a message into a maildir so that it is either there whole or not at all: written in tmp/, synced, renamed
 * into new/, and that synced too (maildir(5)).
 * @throws the system's error; then nothing is left behind
 */
export async function storeMessage(
  maildir: string,
  pieces: Iterable<Buffer> | AsyncIterable<Buffer>,
): Promise<void> {
  await putMessage(maildir, pieces);
  await syncNew(maildir);
}

/**
 * The same without the last step: the message may be promised after `syncNew`, which one may do for many.
 * @throws the system's error; then nothing is left behind
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

/** Without this new names may be lost with the power, though the files' bytes are not. */
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

/** time.random.host, as maildir(5) has it; the host's name may not hold / and :. */
function uniqueName(): string {
  const host = hostname().replaceAll("/", "\\057").replaceAll(":", "\\072");
  const now = Date.now();
  const microseconds = String((now % 1_000) * 1_000).padStart(6, "0");
  return `${Math.floor(now / 1_000)}.M${microseconds}R${randomBytes(8).toString("hex")}.${host}`;
}
