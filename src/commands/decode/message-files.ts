import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  unlinkSync,
} from "node:fs";
import type { DecodeEvent } from "../../decode/events.ts";
import { QmtpError, reason, systemCode, visiblePath } from "../../errors.ts";
import { writeWhole } from "../../io/temporary-file.ts";
import { LineEndConverter } from "../../message/line-ends.ts";
import type { Encoding } from "../../protocol/package.ts";
import type { WrittenFile } from "../../report/listing.ts";

interface OpenFile {
  readonly package: number;
  readonly fd: number;
  readonly path: string;
  readonly encoding: Encoding;
  readonly converter: LineEndConverter;
}

/** Writes messages to files of their own, numbered. No existing file is touched. */
export class MessageFiles {
  readonly #folder: string;
  #number = 0;
  #open: OpenFile | undefined;

  /** @throws {QmtpError} unwritable-file */
  constructor(folder: string) {
    this.#folder = folder;
    if (existsSync(folder)) return;
    this.#try(folder, () => mkdirSync(folder, 0o700));
  }

  /**
   * Takes an event of a decoder.
   * @returns the file that is finished by it
   * @throws {QmtpError} unwritable-file
   */
  take(event: DecodeEvent): WrittenFile | undefined {
    switch (event.type) {
      case "message":
        this.#open = this.#create(event.package, event.encoding);
        return undefined;
      case "data":
        if (this.#open !== undefined) this.#write(this.#open, event.bytes);
        return undefined;
      case "body":
        return this.#complete();
      case "violation":
        return this.end();
      default:
        return undefined;
    }
  }

  /** What was begun is incomplete. */
  end(): WrittenFile | undefined {
    if (this.#open === undefined) return undefined;
    const { fd, path, package: number } = this.#open;
    closeSync(fd);
    this.#open = undefined;
    return { package: number, path: `${path}.part`, complete: false };
  }

  #create(number: number, encoding: Encoding): OpenFile {
    let path: string;
    do path = `${this.#folder}/message-${++this.#number}.eml`;
    while (this.#try(path, () => isTaken(path) || isTaken(`${path}.part`)));
    const fd = this.#try(path, () => openSync(`${path}.part`, "wx", 0o600));
    return { package: number, fd, path, encoding, converter: new LineEndConverter("unix") };
  }

  #write({ fd, path, encoding, converter }: OpenFile, bytes: Buffer): void {
    // Converting changes bytes in place, and the decoder needs them once more.
    const converted = encoding === "dos" ? converter.convert(Buffer.from(bytes)) : bytes;
    this.#try(path, () => writeWhole(fd, converted));
  }

  #complete(): WrittenFile | undefined {
    if (this.#open === undefined) return undefined;
    const { fd, path, package: number, encoding, converter } = this.#open;
    this.#try(path, () => {
      if (encoding === "dos") writeWhole(fd, converter.end());
      closeSync(fd);
      publish(`${path}.part`, path);
    });
    this.#open = undefined;
    return { package: number, path, complete: true };
  }

  #try<T>(path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      const message = `cannot write ${visiblePath(path)}: ${reason(error)}; name another folder`;
      throw new QmtpError("unwritable-file", message, { cause: error });
    }
  }
}

/** A link to nothing takes its name, too. */
function isTaken(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Gives a file its name, which another one must not have. Not every file system has links. */
function publish(part: string, path: string): void {
  try {
    linkSync(part, path);
    unlinkSync(part);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw error;
    closeSync(openSync(path, "wx", 0o600));
    renameSync(part, path);
  }
}
