import { accessSync, constants, lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { QmtpError, reason, systemCode } from "../errors.ts";
import type { FileSnapshot } from "../message/file.ts";
import { pathIn } from "./file-names.ts";

/** The folders from which messages are sent. */
const FOLDERS = ["new", "cur"] as const;

/** A regular file in new/ or cur/. */
export interface MaildirFile extends FileSnapshot {
  /** The path in the maildir, `new/1234.host`. Names are bytes: each character is one byte. */
  readonly name: string;
}

/** A file in a maildir that cannot be sent. */
export interface Unusable {
  readonly name: string;
  readonly why: string;
}

/**
 * Checks that this is a maildir, before anything is written to it.
 * @throws {QmtpError} unreadable-maildir
 */
export function checkMaildir(maildir: string): void {
  for (const folder of FOLDERS) {
    try {
      accessSync(`${maildir}/${folder}/`, constants.R_OK | constants.X_OK);
    } catch (error) {
      throw unreadable(maildir, folder, error);
    }
  }
}

/**
 * Checks, before anything is sent, that files can be removed: what cannot be removed is sent again by every run.
 * @throws {QmtpError} unwritable-maildir
 */
export function checkRemovable(maildir: string): void {
  for (const folder of FOLDERS) {
    try {
      accessSync(`${maildir}/${folder}/`, constants.W_OK);
    } catch (error) {
      const message = `cannot remove files from ${folder} of the maildir ${maildir}: ${reason(error)}; nothing was sent; make it writable for this user`;
      throw new QmtpError("unwritable-maildir", message, { cause: error });
    }
  }
}

function unreadable(maildir: string, folder: string, error: unknown): QmtpError {
  const message = `cannot read ${folder} of the maildir ${maildir}: ${reason(error)}; name a folder with tmp, new and cur`;
  return new QmtpError("unreadable-maildir", message, { cause: error });
}

/**
 * The files in new/ and cur/ of a maildir, except those whose names begin with a dot. There may be a million, so only
 * the name, time and size of each are kept.
 */
export class Listing {
  readonly #maildir: string;
  /** Names in new/, then names in cur/. */
  readonly #names: readonly string[];
  readonly #inNew: number;
  /** Modification times in milliseconds since 1970, by index in `#names`. */
  readonly #times: Float64Array;
  /** Sizes in bytes, by index in `#names`. */
  readonly #sizes: Float64Array;
  /** Indexes of files to be sent, oldest first. */
  readonly #order: Uint32Array;
  readonly #tooNew: number[] = [];
  readonly unusable: readonly Unusable[];

  /**
   * @param before milliseconds since 1970: files written at this time or later may still be arriving
   * @throws {QmtpError} unreadable-maildir
   */
  constructor(maildir: string, before: number) {
    const inNew = namesIn(maildir, "new");
    const names = inNew.concat(namesIn(maildir, "cur"));
    const times = new Float64Array(names.length);
    const order: number[] = [];
    const unusable: Unusable[] = [];
    this.#maildir = maildir;
    this.#names = names;
    this.#inNew = inNew.length;
    this.#times = times;
    this.#sizes = new Float64Array(names.length);
    for (const [at, entry] of names.entries()) {
      if (entry.startsWith(".")) continue;
      const found = look(maildir, this.#nameAt(at));
      if (found === undefined) continue;
      if ("why" in found) {
        unusable.push(found);
        continue;
      }
      times[at] = found.mtimeMs;
      this.#sizes[at] = found.size;
      (found.mtimeMs < before ? order : this.#tooNew).push(at);
    }
    this.unusable = unusable;
    const byTime = (one: number, other: number) => (times[one] as number) - (times[other] as number);
    this.#order = Uint32Array.from(order).sort((one, other) => byTime(one, other) || one - other);
  }

  /** Files to be sent. */
  get length(): number {
    return this.#order.length;
  }

  /** Files to be sent, oldest first or newest first. */
  *files(newestFirst = false): Generator<MaildirFile, void> {
    const order = newestFirst ? this.#order.slice().reverse() : this.#order;
    for (const at of order) yield this.#fileAt(at);
  }

  /** Files that may still be arriving. */
  *tooNew(): Generator<MaildirFile, void> {
    for (const at of this.#tooNew) yield this.#fileAt(at);
  }

  #nameAt(at: number): string {
    return `${at < this.#inNew ? "new" : "cur"}/${this.#names[at]}`;
  }

  #fileAt(at: number): MaildirFile {
    const name = this.#nameAt(at);
    const path = pathIn(this.#maildir, name);
    return { name, path, mtimeMs: this.#times[at] as number, bytes: this.#sizes[at] as number };
  }
}

function namesIn(maildir: string, folder: string): string[] {
  try {
    return readdirSync(`${maildir}/${folder}`, "latin1");
  } catch (error) {
    throw unreadable(maildir, folder, error);
  }
}

/** Undefined if the file is gone. */
function look(maildir: string, name: string): Stats | Unusable | undefined {
  try {
    const stat = statSync(pathIn(maildir, name));
    if (stat.isFile()) return stat;
    return { name, why: `it is a ${kindOf(stat)}` };
  } catch (error) {
    if (systemCode(error) !== "ENOENT") return { name, why: reason(error) };
    return isDangling(maildir, name) ? { name, why: "it is a symbolic link to nothing" } : undefined;
  }
}

function kindOf(stat: { isDirectory(): boolean; isFIFO(): boolean; isSocket(): boolean }): string {
  if (stat.isDirectory()) return "directory";
  if (stat.isFIFO()) return "named pipe";
  return stat.isSocket() ? "socket" : "device";
}

function isDangling(maildir: string, name: string): boolean {
  return lstatSync(pathIn(maildir, name), { throwIfNoEntry: false }) !== undefined;
}

/**
 * The new path of a file that a mail reader has moved to cur/, perhaps adding flags to its name.
 * @returns undefined if it is not in cur/, or cur/ cannot be read
 */
export function movedPath(maildir: string, name: string): string | Buffer | undefined {
  const unique = (entry: string) => entry.replace(/:.*$/s, "");
  try {
    const wanted = unique(name.slice(name.indexOf("/") + 1));
    const entry = readdirSync(`${maildir}/cur`, "latin1").find((one) => unique(one) === wanted);
    return entry === undefined ? undefined : pathIn(maildir, `cur/${entry}`);
  } catch {
    return undefined;
  }
}
