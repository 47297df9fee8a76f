import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { Deadline } from "../io/deadline.ts";
import { type PackageEvent, PackageReader } from "../protocol/package-reader.ts";
import { encodeResponse } from "../protocol/response.ts";
import { ViolationError } from "../protocol/violation.ts";
import { encodeAll, writeAll, writeSlowly } from "./answers.ts";
import type { Draws } from "./draws.ts";
import { type Answer, Incoming } from "./incoming.ts";
import { BANNER, closesAfterPackage, type Misbehaviour, misbehave } from "./misbehaviour.ts";
import type { AcceptanceRules } from "./rules.ts";

export interface ConversationOptions {
  readonly rules: AcceptanceRules;
  /** Where accepted messages are stored; without it they are only counted. */
  readonly maildir?: string | undefined;
  /** Milliseconds before a package is answered. */
  readonly delayMs: number;
  /** Milliseconds without a byte from or to the client before it is dropped. */
  readonly idleMs: number;
  readonly draws?: Draws | undefined;
  /** The number of the next accepted package, for its response. */
  readonly nextNumber: () => number;
  readonly onPackage: (pkg: Received) => void;
  /** A client broke the protocol. */
  readonly onViolation: (violation: ViolationError) => void;
  /** A client was dropped because it was idle. */
  readonly onIdle: () => void;
  /** A message could not be stored, for each of these reasons. */
  readonly onNotStored: (reasons: readonly string[]) => void;
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
  /** How we misbehaved. */
  readonly misbehaviours: readonly Misbehaviour[];
}

const NONE: ReadonlySet<Misbehaviour> = new Set();
/** How long a client has to read its last responses, in milliseconds. */
const LINGER_MS = 2_000;

/** One client's connection to the sink, whose packages are answered one after the other. */
export class Conversation {
  readonly #connection: Duplex;
  readonly #options: ConversationOptions;
  readonly #reader = new PackageReader();
  #incoming: Incoming | undefined;
  /** For the package that is arriving. */
  #misbehaviours = NONE;
  /** Throws away what arrives. */
  #deaf = false;
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
      if (!this.#greet()) return;
      for await (const chunk of this.#connection.iterator({ destroyOnReturn: false })) {
        if (this.#left) break;
        this.#idle.restart();
        if (this.#deaf) continue;
        this.#busy = true;
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

  /** @returns false to close the connection */
  #greet(): boolean {
    const misbehaviours = this.#options.draws?.forConnection() ?? NONE;
    if (misbehaviours.has("close-on-connect")) return false;
    this.#deaf = misbehaviours.has("smtp-banner");
    if (this.#deaf) this.#connection.write(BANNER);
    return true;
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
    this.#misbehaviours = this.#options.draws?.forPackage() ?? NONE;
    if (this.#misbehaviours.has("close-mid-package")) {
      // Ignore what still arrives.
      this.#left = true;
      this.#connection.destroy();
    }
    if (!this.#misbehaviours.has("early-response")) return undefined;
    const early = { status: "success", text: Buffer.from("ok, before it came") } as const;
    this.#responses.push([encodeResponse(early)]);
    return this.#flush();
  }

  async #answer(): Promise<void> {
    const incoming = this.#incoming as Incoming;
    const { nextNumber, delayMs, draws, maildir, onNotStored } = this.#options;
    const accepted = `ok ${Math.floor(Date.now() / 1_000)} qp ${nextNumber()}`;
    const answers = await incoming.settle({ status: "success", text: Buffer.from(accepted) });
    incoming.close();
    this.#incoming = undefined;
    if (incoming.problems.size > 0) onNotStored([...incoming.problems]);
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const { sender, surplus, bytes, encoding } = incoming;
    const kinds = this.#misbehaviours;
    const honest = encodeAll(answers, surplus);
    const slowly = kinds.has("drip");
    if (slowly) await this.#flush();
    this.#responses.push(
      draws === undefined ? honest : misbehave(kinds, honest, (count) => draws.bytes(count)),
    );
    this.#answered.push({ sender, answers, surplus, bytes, encoding, misbehaviours: [...kinds] });
    const closing = closesAfterPackage(kinds);
    // The responses to a stored package, or to one whose delay is over, must not wait for the packages after it.
    if (delayMs > 0 || maildir !== undefined || kinds.size > 0) await this.#flush(slowly);
    if (closing === "reset") {
      this.#left = true;
      reset(this.#connection);
    } else if (closing === "close") this.#leave();
  }

  async #flush(slowly = false): Promise<void> {
    const [responses, answered] = [this.#responses, this.#answered];
    this.#responses = [];
    this.#answered = [];
    const write = slowly ? writeSlowly : writeAll;
    await write(this.#connection, responses, () => {
      if (this.#stopped) this.#linger.restart();
      this.#idle.restart();
    });
    for (const pkg of answered) this.#options.onPackage(pkg);
  }
}

/** As when a server crashes. Only TCP without TLS has a reset; elsewhere the connection is closed at once. */
function reset(connection: Duplex): void {
  try {
    if (connection instanceof Socket) connection.resetAndDestroy();
    else connection.destroy();
  } catch {
    connection.destroy();
  }
}
