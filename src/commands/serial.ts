import type { Command } from "commander";
import type { Context } from "../context.ts";
import { prefixFromText } from "../envelope/address.ts";
import { inputError, reason, unreadable } from "../errors.ts";
import { systemPath } from "../maildir/listing.ts";
import { type FilePackage, MessageFileReader } from "../maildir/message-file.ts";
import type { Delivery } from "../protocol/delivery.ts";
import { EXIT } from "../report/exit-code.ts";
import { sanitise } from "../report/sanitise.ts";
import { serialRecord } from "../report/serial-record.ts";
import { NameReader } from "../serial/names.ts";
import { runSession } from "../session/session.ts";
import { clientConnection } from "../transport/ucspi.ts";

/** serialqmtp's own limits, in milliseconds: 73 s for a write, an hour for a read, and none for the whole. */
const LIMITS = { writeMs: 73_000, idleMs: 3_600_000, sessionMs: 2 ** 31 - 1 };

const EXAMPLES = `
Examples:
  maildirserial -b -t 1209600 -- dir prefix tcpclient -RHl0 -- mx.example.org 209 qmtp serial prefix
  printf '%s\\0' new/* | tcpclient -RHl0 -- 192.0.2.1 209 qmtp serial ''

Exit codes:
  0    every file that begins with a maildir's head and has the prefix got a result
  100  wrong usage
  111  not so, or a file cannot be read`;

/** `qmtp serial`: serialqmtp's filter, from file names to results. */
export function declareSerial(command: Command, context: Context, exit: (code: number) => void): void {
  command
    .argument("<prefix>", "removed from recipients; files of other recipients are left alone; '' takes all")
    .addHelpText("after", EXAMPLES)
    .action(async (prefix: string) => {
      exit(await new SerialRun(prefixFromText(prefix), context).run());
    });
}

type NamedPackage = FilePackage<{ readonly name: string; readonly path: string | Buffer }>;

/** File names from standard input become packages, and their results records on standard output. */
class SerialRun {
  readonly #context: Context;
  readonly #names: NameReader;
  readonly #reader: MessageFileReader;
  /** Of this turn of the event loop: they are written together. */
  #records = "";
  #trouble = false;

  constructor(prefix: Buffer, context: Context) {
    this.#context = context;
    this.#names = new NameReader(context.stdin);
    this.#reader = new MessageFileReader(prefix, () => {});
  }

  /**
   * @returns the exit code
   * @throws {CommandError} not-under-ucspi
   */
  async run(): Promise<number> {
    const { interrupted, stdout } = this.#context;
    const stop = new AbortController();
    const interrupt = () => stop.abort(interrupted.reason);
    interrupted.addEventListener("abort", interrupt);
    if (interrupted.aborted) interrupt();
    // Without a reader of the results, files would be sent and never removed.
    stdout.on("error", (error) => stop.abort(new Error(`standard output: ${reason(error)}`)));
    const { cause, violations } = await runSession(clientConnection(), this, {
      limits: LIMITS,
      signal: stop.signal,
      onSettled: (pkg, deliveries) => this.#record(pkg, deliveries[0] as Delivery),
    });
    await this.#flush();
    const [violation] = violations;
    if (violation !== undefined) this.#say(`the server broke the protocol: ${violation.message}`);
    else if (cause !== null) this.#say(cause.message);
    return this.#trouble ? EXIT.temporary : EXIT.success;
  }

  /** The next package, for the session: at once, where its name has arrived. */
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
    // What is not ours gets no word, as with serialqmtp.
    if (read.kind === "unreadable") this.#say(`cannot read ${name}: ${read.why}`);
    if (read.kind === "gone") this.#say(`cannot read ${name}: no such file or directory`);
    return undefined;
  }

  /** Only what the server said is a result. */
  #record({ file }: NamedPackage, delivery: Delivery): void {
    if (delivery.origin === "client") this.#trouble = true;
    else this.#print(serialRecord(file.name, delivery, this.#context.env.TCPREMOTEIP));
  }

  #print(record: string): void {
    if (this.#records === "") setImmediate(() => this.#flush());
    this.#records += record;
  }

  /** Resolves when whoever reads has the records, or never will. */
  #flush(): Promise<void> {
    const records = this.#records;
    this.#records = "";
    return new Promise((resolve) => {
      this.#context.stdout.write(records, "latin1", (error) => {
        if (error) this.#trouble = true;
        resolve();
      });
    });
  }

  #say(line: string): void {
    this.#trouble = true;
    this.#context.stderr.write(`${this.#context.name}: ${sanitise(Buffer.from(line, "latin1"))}\n`);
  }
}
