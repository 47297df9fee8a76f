import type { Duplex } from "node:stream";
import { Deadline } from "../io/deadline.ts";
import { drained } from "../io/drained.ts";
import { type PackageEvent, PackageReader } from "../protocol/package-reader.ts";
import { encodeResponse, type Response } from "../protocol/response.ts";
import { ViolationError } from "../protocol/violation.ts";
import { type Answer, Incoming } from "./incoming.ts";
import { closesAfterPackage, type Misbehaviour, misbehave } from "./misbehaviour.ts";
import { type AcceptanceRules, TOO_MANY } from "./rules.ts";

export interface ConversationOptions {
  readonly rules: AcceptanceRules;
  /** Where accepted messages are stored; without it they are only counted. */
  readonly maildir?: string | undefined;
  /** Milliseconds before a package is answered. */
  readonly delayMs: number;
  /** Milliseconds without a byte from or to the client before it is dropped. */
  readonly idleMs: number;
  readonly misbehaviour?: Misbehaviour | undefined;
  /** The number of the next accepted package, for its response. */
  readonly nextNumber: () => number;
  readonly onPackage: (pkg: Received) => void;
  /** A client broke the protocol. */
  readonly onViolation: (violation: ViolationError) => void;
  /** A client was dropped because it was idle. */
  readonly onIdle: () => void;
  /** Something went wrong on our side. */
  readonly onFailure: (error: unknown) => void;
}

/** A package that was answered. */
export interface Received {
  readonly sender: Buffer;
  readonly answers: readonly Answer[];
  /** Recipients beyond the maximum: refused, and not kept. */
  readonly surplus: number;
  readonly bytes: number;
  readonly encoding: "unix" | "dos";
}

/** Responses are written together up to this many bytes. */
const PIECE = 65_536;
/** How long a client has to read its last responses, in milliseconds. */
const LINGER_MS = 2_000;

/** One client's connection to the sink, whose packages are answered one after the other. */
export class Conversation {
  readonly #connection: Duplex;
  readonly #options: ConversationOptions;
  readonly #reader = new PackageReader();
  #incoming: Incoming | undefined;
  #responses: Iterable<Buffer>[] = [];
  /** Packages whose responses are in `#responses`; reported once these are written. */
  #answered: Received[] = [];
  #stopped = false;
  #busy = false;
  #left = false;
  /** Destroys the connection when nothing moves any more after we have decided to end it. */
  readonly #linger: Deadline;
  readonly #idle: Deadline;

  constructor(connection: Duplex, options: ConversationOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#linger = new Deadline(LINGER_MS + options.delayMs, () => connection.destroy());
    this.#idle = new Deadline(options.idleMs, () => {
      options.onIdle();
      connection.destroy();
    });
    connection.once("close", () => {
      this.#linger.stop();
      this.#idle.stop();
    });
  }

  /** Resolves when the conversation is over. Never rejects. */
  async run(): Promise<void> {
    this.#idle.start();
    try {
      for await (const chunk of this.#connection.iterator({ destroyOnReturn: false })) {
        if (this.#left) break;
        this.#busy = true;
        this.#idle.restart();
        this.#reader.push(chunk);
        await this.#readAll();
        await this.#flush();
        this.#busy = false;
        if (this.#stopped) break;
      }
    } catch (error) {
      if (error instanceof ViolationError) {
        await this.#flush();
        this.#options.onViolation(error);
      } else if (!this.#connection.destroyed) {
        this.#options.onFailure(error);
      }
    } finally {
      this.#leave();
      this.#incoming?.close();
    }
  }

  /** Ends the connection once the packages that have arrived are answered, or the client takes no more answers. */
  stop(): void {
    this.#stopped = true;
    this.#linger.restart();
    if (!this.#busy) this.#leave();
  }

  /** Closes our side; the client gets a moment to read what was sent. */
  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#idle.stop();
    const connection = this.#connection;
    connection.end();
    connection.resume();
    if (!connection.closed) this.#linger.restart();
  }

  async #readAll(): Promise<void> {
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
      const waiting = this.#take(event);
      if (waiting !== undefined) await waiting;
      if (this.#left) return;
    }
  }

  #take(event: PackageEvent): Promise<void> | undefined {
    const { rules, maildir } = this.#options;
    switch (event.type) {
      case "message":
        this.#incoming = new Incoming(event.encoding, event.length, rules, maildir);
        return this.#begin();
      case "body":
        this.#incoming?.addBody(event.bytes);
        return undefined;
      case "sender":
        if (this.#incoming !== undefined) this.#incoming.sender = event.address;
        return undefined;
      case "recipient":
        this.#incoming?.addRecipient(event.address);
        return undefined;
      case "end":
        return this.#answer();
    }
  }

  #begin(): Promise<void> | undefined {
    const { misbehaviour } = this.#options;
    if (misbehaviour === "close-mid-package") {
      // Ignore what still arrives.
      this.#left = true;
      this.#connection.destroy();
    }
    if (misbehaviour !== "early-response") return undefined;
    const early = { status: "success", text: Buffer.from("ok, before it came") } as const;
    this.#responses.push([encodeResponse(early)]);
    return this.#flush();
  }

  async #answer(): Promise<void> {
    const incoming = this.#incoming as Incoming;
    const { nextNumber, delayMs, misbehaviour, maildir } = this.#options;
    const accepted = `ok ${Math.floor(Date.now() / 1_000)} qp ${nextNumber()}`;
    const answers = await incoming.settle({ status: "success", text: Buffer.from(accepted) });
    incoming.close();
    this.#incoming = undefined;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const { sender, surplus, bytes, encoding } = incoming;
    this.#responses.push(misbehave(misbehaviour, encodeAll(answers, surplus)));
    this.#answered.push({ sender, answers, surplus, bytes, encoding });
    // The responses to a stored package, or to one whose delay is over, must not wait for the packages after it.
    if (delayMs > 0 || maildir !== undefined || closesAfterPackage(misbehaviour)) await this.#flush();
    if (closesAfterPackage(misbehaviour)) this.#leave();
  }

  async #flush(): Promise<void> {
    const [responses, answered] = [this.#responses, this.#answered];
    this.#responses = [];
    this.#answered = [];
    const drip = this.#options.misbehaviour === "drip";
    for (const piece of joined(responses)) {
      if (this.#stopped) this.#linger.restart();
      this.#idle.restart();
      if (drip) await this.#writeSlowly(piece);
      else if (this.#connection.writable && !this.#connection.write(piece)) await drained(this.#connection);
    }
    for (const pkg of answered) this.#options.onPackage(pkg);
  }

  async #writeSlowly(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length && this.#connection.writable; at++) {
      this.#idle.restart();
      await new Promise<void>((resolve) =>
        this.#connection.write(piece.subarray(at, at + 1), () => resolve()),
      );
    }
  }
}

/** Recipients with the same response share its bytes: a million successes are one. */
function* encodeAll(answers: readonly Answer[], surplus: number): Generator<Buffer, void> {
  const encoded = new Map<Response, Buffer>();
  for (const { response } of answers) {
    const bytes = encoded.get(response) ?? encodeResponse(response);
    encoded.set(response, bytes);
    yield bytes;
  }
  const refused = encodeResponse(TOO_MANY);
  for (let count = 0; count < surplus; count++) yield refused;
}

/** Many small buffers joined into a few large ones. */
function* joined(lists: readonly Iterable<Buffer>[]): Generator<Buffer, void> {
  let gathered: Buffer[] = [];
  let length = 0;
  for (const list of lists) {
    for (const bytes of list) {
      gathered.push(bytes);
      length += bytes.length;
      if (length < PIECE) continue;
      yield Buffer.concat(gathered, length);
      gathered = [];
      length = 0;
    }
  }
  if (length > 0) yield Buffer.concat(gathered, length);
}
