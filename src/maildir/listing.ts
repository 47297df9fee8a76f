import { accessSync, constants, lstatSync, readdirSync, type Stats, statSync, unlinkSync } from "node:fs";
import { CommandError, reason, systemCode } from "../errors.ts";
import type { KnownFile } from "../message/file.ts";

/** What lies in tmp/ unread for so many milliseconds was left there by a delivery that died (maildir(5)). */
const ABANDONED_MS = 129_600_000;

/** A regular file in new/ or cur/. */
export interface MaildirFile extends KnownFile {
  /** The path below the maildir, `new/1234.host`. Each character stands for one byte, as names are bytes. */
  readonly name: string;
}

/** What stands in a maildir and cannot be sent. */
export interface Unusable {
  readonly name: string;
  readonly why: string;
}

/** A name whose characters stand for bytes, as the system takes it: what is not ASCII goes as its bytes. */
export function systemPath(name: string): string | Buffer {
  return ASCII.test(name) ? name : nameBytes(name);
}

const ASCII = /^[\x00-\x7f]*$/;

function pathIn(maildir: string, name: string): string | Buffer {
  if (ASCII.test(name)) return `${maildir}/${name}`;
  return Buffer.concat([Buffer.from(`${maildir}/`), nameBytes(name)]);
}

export function nameBytes(name: string): Buffer {
  return Buffer.from(name, "latin1");
}

/**
 * Sees that there is a maildir at all, before anything is written to it.
 * @throws {CommandError} unreadable-maildir
 */
export function checkMaildir(maildir: string): void {
  for (const folder of ["new", "cur"]) {
    try {
      accessSync(`${maildir}/${folder}/`, constants.R_OK | constants.X_OK);
    } catch (error) {
      throw unreadable(maildir, folder, error);
    }
  }
}

function unreadable(maildir: string, folder: string, error: unknown): CommandError {
  const message = `cannot read ${folder} of the maildir ${maildir}: ${reason(error)}; name a folder with tmp, new and cur`;
  return new CommandError(message, { code: "unreadable-maildir", cause: error });
}

/**
 * What stands in new/ and cur/ of a maildir, without names that begin with a dot. There may be a million files:
 * of each, no more is kept than its name, time and size.
 */
export class Listing {
  readonly #maildir: string;
  /** Those in new/, then those in cur/. */
  readonly #names: readonly string[];
  readonly #inNew: number;
  /** Milliseconds since 1970, and bytes, of each name. */
  readonly #times: Float64Array;
  readonly #sizes: Float64Array;
  /** Places of files to be sent, oldest first. */
  readonly #order: Uint32Array;
  readonly #tooNew: number[] = [];
  readonly unusable: readonly Unusable[];

  /**
   * @param before files whose mtime, in milliseconds, is not below this may still be arriving
   * @throws {CommandError} unreadable-maildir
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

/** Undefined where it has gone in the meantime. */
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
 * The place of a file that a mail reader has moved from new/ to cur/, with or without flags behind its name.
 * @returns undefined where it is not there, or cannot be looked for
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

/** Files that deliveries have abandoned in tmp/, which nobody will ever finish. */
export function abandonedFiles(maildir: string, now: number): string[] {
  let entries: string[];
  try {
    entries = readdirSync(`${maildir}/tmp`, "latin1");
  } catch {
    // Nothing is delivered from here, so that it is no reason to deliver nothing.
    return [];
  }
  return entries
    .filter((entry) => !entry.startsWith("."))
    .map((entry) => `tmp/${entry}`)
    .filter((name) => {
      try {
        const stat = statSync(pathIn(maildir, name));
        return stat.isFile() && stat.atimeMs + ABANDONED_MS < now;
      } catch {
        return false;
      }
    });
}

/** Removes what deliveries have abandoned in tmp/. What cannot be removed does no harm. */
export function removeAbandoned(maildir: string, now: number): void {
  for (const name of abandonedFiles(maildir, now)) {
    try {
      unlinkSync(pathIn(maildir, name));
    } catch {}
  }
}
