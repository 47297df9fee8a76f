import type { Command } from "commander";
import type { CommandModule } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { prefixArgument } from "../cli/options/kinds.ts";
import { prefixFromText } from "../envelope/address.ts";
import { inputError, reason, unreadable } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { systemPath } from "../maildir/file-names.ts";
import { type FilePackage, MessageFileReader } from "../maildir/message-file.ts";
import type { Delivery } from "../protocol/delivery.ts";
import { NameReader, serialRecord } from "../qmail/serial.ts";
import { EXIT } from "../report/exit-tables.ts";
import { runSession } from "../session/session.ts";
import { clientConnection } from "../transport/ucspi.ts";

/** `qmtp serial`: serialqmtp's filter, file names in, results out. */
export const serial: CommandModule = { declare, read, run };

/** serialqmtp's limits: 73 s for a write, an hour for a read, and none for the session. */
const SERIAL_LIMITS = { writeMs: 73_000, idleMs: 3_600_000, sessionMs: 2 ** 31 - 1 };

const EXAMPLES = `
Examples:
  maildirserial -b -t 1209600 -- dir prefix tcpclient -RHl0 -- mx.example.org 209 qmtp serial prefix
  printf '%s\\0' new/* | tcpclient -RHl0 -- 192.0.2.1 209 qmtp serial ''`;

function declare(command: Command): void {
  command.addArgument(prefixArgument()).addHelpText("after", EXAMPLES);
}

function read(_: object, [prefix = ""]: readonly string[]): Buffer {
  return prefixFromText(prefix);
}

function run(prefix: Buffer, context: Context): Promise<number> {
  return new SerialRun(prefix, context).run();
}

type NamedPackage = FilePackage<{ readonly name: string; readonly path: string | Buffer }>;

/** Turns file names from standard input into packages, and their results into records on standard output. */
class SerialRun {
  readonly #context: Context;
  readonly #names: NameReader;
  readonly #reader: MessageFileReader;
  /** Records of this turn of the event loop, which are written together. */
  #records = "";
  #failed = false;

  constructor(prefix: Buffer, context: Context) {
    this.#context = context;
    this.#names = new NameReader(context.stdin);
    this.#reader = new MessageFileReader(prefix, () => {});
  }

  /**
   * @returns the exit code
   * @throws {QmtpError} not-under-ucspi
   */
  async run(): Promise<number> {
    const { interrupted, stdout } = this.#context;
    const stop = new AbortController();
    onAbort(interrupted, () => stop.abort(interrupted.reason));
    // Stop if the results are no longer read: files would be sent and never removed.
    stdout.on("error", (error) => stop.abort(new Error(`standard output: ${reason(error)}`)));
    const { cause, violations } = await runSession(clientConnection(), this, {
      limits: SERIAL_LIMITS,
      signal: stop.signal,
      onSettled: (pkg, deliveries) => this.#record(pkg, deliveries[0] as Delivery),
    });
    await this.#flush();
    const [violation] = violations;
    if (violation !== undefined) this.#say(`the server broke the protocol: ${violation.message}`);
    else if (cause !== null) this.#say(cause.error.message);
    return this.#failed ? EXIT.temporary : EXIT.success;
  }

  /** The session's source of packages. Returns no promise if the next name has arrived. */
  next(): IteratorResult<NamedPackage, void> | Promise<IteratorResult<NamedPackage, void>> {
    for (let name = this.#names.next(); name !== undefined; name = this.#names.next()) {
      const value = this.#read(name);
      if (value !== undefined) return { done: false, value };
    }
    return this.#more();
  }

  async #more(): Promise<IteratorResult<NamedPackage, void>> {
    try {
      if (await this.#names.more()) return this.next();
    } catch (error) {
      if (error instanceof RangeError) throw inputError(`standard input: ${error.message}`, error);
      throw unreadable("standard input", error);
    }
    return { done: true, value: undefined };
  }

  #read(name: string): NamedPackage | undefined {
    const read = this.#reader.read({ name, path: systemPath(name) });
    if ("message" in read) return read;
    // Like serialqmtp, ignore files without a head or with another prefix.
    if (read.kind === "unreadable") this.#say(`cannot read ${name}: ${read.why}`);
    if (read.kind === "gone") this.#say(`cannot read ${name}: no such file or directory`);
    return undefined;
  }

  /** Prints a record only for the server's own answer. */
  #record({ file }: NamedPackage, delivery: Delivery): void {
    if (delivery.origin === "client") this.#failed = true;
    else this.#print(serialRecord(file.name, delivery, this.#context.env.TCPREMOTEIP));
  }

  #print(record: string): void {
    if (this.#records === "") setImmediate(() => this.#flush());
    this.#records += record;
  }

  /** Resolves when the records are written or writing has failed. */
  #flush(): Promise<void> {
    const records = this.#records;
    this.#records = "";
    return new Promise((resolve) => {
      this.#context.stdout.write(records, "latin1", (error) => {
        if (error) this.#failed = true;
        resolve();
      });
    });
  }

  /** @param line file names in it are Latin-1, one byte per character */
  #say(line: string): void {
    this.#failed = true;
    this.#context.say(Buffer.from(line, "latin1"));
  }
}
