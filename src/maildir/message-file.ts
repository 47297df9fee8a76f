import { closeSync, constants, openSync, readSync, statSync } from "node:fs";
import { MAX_HEAD, type MaildirHead, parseMaildirHead } from "../envelope/maildir-head.ts";
import { reason, systemCode } from "../errors.ts";
import type { SpareDescriptor } from "../io/spare-descriptor.ts";
import { type FileSnapshot, restOfFile } from "../message/file.ts";
import type { Message, Package } from "../protocol/package.ts";

/** With O_NONBLOCK, opening does not hang if a named pipe is in the file's place. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK;

/** A file to be read, with its size and time if it was examined before. */
export type UnreadFile = Pick<FileSnapshot, "path" | "name"> & Partial<FileSnapshot>;

/** A message with one recipient in a file that begins with its head. */
export interface FilePackage<F extends UnreadFile = UnreadFile> extends Package {
  readonly file: F;
  readonly head: MaildirHead;
}

/** Why a file is not a package: its recipient has another prefix, it is gone, has no head, or cannot be read. */
export type NoPackage =
  | { readonly kind: "ignored" | "gone" }
  | { readonly kind: "headless" | "unreadable"; readonly why: string };

/**
 * Turns files into packages. A small file is read completely, with three system calls, into a buffer that the next
 * file reuses. Of a larger file, only the beginning is read here, and the rest when it is sent.
 */
export class MessageFileReader {
  readonly #prefix: Buffer;
  readonly #onUnreadable: (file: UnreadFile) => void;
  readonly #chunk: number | undefined;
  readonly #spare: SpareDescriptor | undefined;
  /** One byte longer than the largest small file, to detect larger ones. */
  readonly #buffer = Buffer.allocUnsafeSlow(MAX_HEAD + 1);

  /**
   * @param prefix removed from recipients; files of recipients that do not begin with it are ignored
   * @param onUnreadable called when a file's message cannot be read to its end while it is sent
   * @param chunk the most bytes to read at a time of a large file, while it is sent
   * @param spare used to read the beginning of a file if there is no other descriptor
   */
  constructor(
    prefix: Buffer,
    onUnreadable: (file: UnreadFile) => void,
    chunk?: number,
    spare?: SpareDescriptor,
  ) {
    this.#prefix = prefix;
    this.#onUnreadable = onUnreadable;
    this.#chunk = chunk;
    this.#spare = spare;
  }

  /** The package of a file; its message is valid until the next file is read. */
  read<F extends UnreadFile>(file: F): FilePackage<F> | NoPackage {
    let length: number;
    try {
      length =
        this.#spare === undefined
          ? this.#readBeginning(file.path)
          : this.#spare.lendTo(() => this.#readBeginning(file.path));
    } catch (error) {
      if (systemCode(error) === "ENOENT") return { kind: "gone" };
      return { kind: "unreadable", why: reason(error) };
    }
    const head = parseMaildirHead(this.#buffer.subarray(0, length));
    if (head === undefined) return { kind: "headless", why: noHead(length) };
    const prefix = this.#prefix.length;
    if (prefix > head.recipient.length || this.#prefix.compare(head.recipient, 0, prefix) !== 0) {
      return { kind: "ignored" };
    }
    if (file.bytes !== undefined && length !== Math.min(file.bytes, this.#buffer.length)) {
      return { kind: "unreadable", why: "it changed while it was read" };
    }
    const recipients = [prefix === 0 ? head.recipient : head.recipient.subarray(prefix)];
    try {
      return { file, head, sender: head.sender, recipients, message: this.#message(file, length, head) };
    } catch (error) {
      return { kind: "unreadable", why: reason(error) };
    }
  }

  #readBeginning(path: string | Buffer): number {
    const fd = openSync(path, READ);
    try {
      return readSync(fd, this.#buffer, 0, this.#buffer.length, null);
    } finally {
      closeSync(fd);
    }
  }

  /** Every byte after the head, unchanged: a CR in a maildir is data. */
  #message(file: UnreadFile, read: number, head: MaildirHead): Message {
    if (read < this.#buffer.length) {
      const body = this.#buffer.subarray(head.length, read);
      return { encoding: "unix", length: body.length, chunks: () => [body] };
    }
    const snapshot = snapshotOf(file);
    const length = snapshot.bytes - head.length;
    return { encoding: "unix", length, chunks: () => this.#rest(snapshot, head.length) };
  }

  async *#rest(file: FileSnapshot, from: number): AsyncGenerator<Buffer, void> {
    try {
      yield* restOfFile(file, from, this.#chunk);
    } catch (error) {
      this.#onUnreadable(file);
      throw error;
    }
  }
}

function snapshotOf(file: UnreadFile): FileSnapshot {
  const { path, name, bytes, mtimeMs } = file;
  if (bytes !== undefined && mtimeMs !== undefined) return { path, name, bytes, mtimeMs };
  const stat = statSync(path);
  if (!stat.isFile()) throw new Error("it is not a regular file");
  return { path, name, bytes: stat.size, mtimeMs: stat.mtimeMs };
}

function noHead(length: number): string {
  if (length === 0) return "it is empty";
  const where = length > MAX_HEAD ? ` within its first ${MAX_HEAD} bytes` : "";
  return `it does not begin with 'Return-Path: <sender>' and 'Delivered-To: recipient'${where}`;
}
