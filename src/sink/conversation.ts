import type { Duplex } from "node:stream";
import { type PackageEvent, PackageReader } from "../protocol/package-reader.ts";
import { encodeResponse, type Response } from "../protocol/response.ts";
import { ViolationError } from "../protocol/violation.ts";
import { bytesOf, encodeAll } from "./answers.ts";
import type { ConversationOptions } from "./contract.ts";
import { misbehave } from "./disfigure.ts";
import { type Answer, factsOf, Incoming } from "./incoming.ts";
import { isLenient, LenientReader } from "./lenient-reader.ts";
import { Lifetime } from "./lifetime.ts";
import { BANNER, closesAfterPackage, type Kinds, storesLate } from "./misbehaviour.ts";
import { Outbox } from "./outbox.ts";
import { unfairAnswer } from "./refuse.ts";
import { StoredTogether } from "./stored-together.ts";

const NONE: Kinds = new Set();
/** Bytes that `stop-reading` reads. */
const READ_AT_MOST = 1024 * 1024;
/** Packages that `lose-after-16` answers. */
const ANSWERED_AT_MOST = 16;
/** Bytes of a message that faults look at. */
const HEAD_BYTES = 2_048;
/** A connection to the sink. Its packages are answered one after the other. */
export class Conversation {
  readonly #connection: Duplex;
  readonly #options: ConversationOptions;
  /** Faults of the connection. */
  readonly #kinds: Kinds;
  readonly #reader: PackageReader | LenientReader;
  #incoming: Incoming | undefined;
  /** Faults for the package that is arriving, with those of the connection. */
  #misbehaviours = NONE;
  /** The beginning of the message. */
  #head = "";
  /** Packages whose messages are stored when the connection ends. */
  readonly #unstored: Incoming[] = [];
  #received = 0;
  #packages = 0;
  /** Whether to discard all input. */
  #deaf = false;
  readonly #outbox: Outbox;
  readonly #together: StoredTogether;
  #busy = false;
  readonly #lifetime: Lifetime;

  constructor(connection: Duplex, options: ConversationOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#kinds = options.draws?.forConnection() ?? NONE;
    this.#reader = isLenient(this.#kinds) ? new LenientReader(this.#kinds) : new PackageReader();
    this.#lifetime = new Lifetime(connection, options, this.#kinds.has("impatient"));
    this.#outbox = new Outbox(connection, this.#kinds, {
      onWrite: () => this.#lifetime.written(),
      onPackage: options.onPackage,
    });
    this.#together = new StoredTogether(this.#outbox);
  }

  /** Resolves when the conversation is over. Never rejects. */
  async run(): Promise<void> {
    this.#lifetime.start();
    try {
      if (!this.#greet()) return;
      const chunks = this.#connection.iterator({ destroyOnReturn: false });
      try {
        while (await this.#receiveNext(chunks)) {}
      } finally {
        await chunks.return?.();
      }
      await this.#afterEnd();
    } catch (error) {
      if (error instanceof ViolationError) await this.#broken(error);
      else if (!this.#connection.destroyed) this.#options.onFailure(error);
    } finally {
      if (this.#kinds.has("die-on-cut") && this.#reader.begun) this.#options.onDeath?.();
      this.#lifetime.leave();
      for (const incoming of [this.#incoming, ...this.#unstored]) incoming?.close();
    }
  }

  /**
   * Waits in a function of its own: a loop over the chunks would keep the last one of each connection in memory.
   * @returns whether there may be more
   */
  async #receiveNext(chunks: AsyncIterator<Buffer>): Promise<boolean> {
    const { done, value } = await chunks.next();
    if (done || this.#lifetime.left) return false;
    this.#lifetime.received();
    if (this.#deaf) return true;
    this.#busy = true;
    await this.#receive(value);
    this.#busy = false;
    return !this.#lifetime.stopped;
  }

  async #receive(chunk: Buffer): Promise<void> {
    this.#reader.push(chunk);
    await this.#readAll();
    await this.#together.answer();
    await this.#outbox.flush(this.#reader.begun);
    if (this.#kinds.has("whole-segments") && this.#reader.begun) this.#lifetime.leave();
    this.#received += chunk.length;
    if (this.#kinds.has("stop-reading") && this.#received > READ_AT_MOST) {
      await new Promise((resolve) => this.#connection.once("close", resolve));
    }
  }

  /** The client has closed its side. */
  async #afterEnd(): Promise<void> {
    if (this.#kinds.has("no-half-close")) {
      this.#outbox.drop();
      this.#connection.destroy();
    }
    if (!(this.#kinds.has("forget-on-cut") && this.#reader.begun)) await this.#storeLate();
    if (this.#kinds.has("deliver-cut")) await this.#incoming?.settle(accepted(0));
  }

  async #storeLate(): Promise<void> {
    for (const incoming of this.#unstored) await incoming.storeLate();
  }

  async #broken(violation: ViolationError): Promise<void> {
    if (this.#kinds.has("forget-on-cut")) await this.#storeLate();
    await this.#together.answer();
    if (!this.#kinds.has("lose-responses")) await this.#outbox.write();
    if (this.#kinds.has("die-on-violation")) this.#options.onDeath?.();
    this.#options.onViolation(violation);
  }

  /** @returns false to close the connection */
  #greet(): boolean {
    const { clients } = this.#options;
    if (this.#kinds.has("close-on-connect")) return false;
    if (this.#kinds.has("two-clients") && clients !== undefined && clients() > 2) return false;
    this.#deaf = this.#kinds.has("smtp-banner");
    if (this.#deaf) this.#connection.write(BANNER);
    return true;
  }

  /** Ends the connection once the packages that have arrived are answered, or the client has stopped reading. */
  stop(): void {
    this.#lifetime.stop();
    if (!this.#busy) this.#lifetime.leave();
  }

  async #readAll(): Promise<void> {
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
      const waiting = this.#take(event);
      if (waiting !== undefined) await waiting;
      if (this.#lifetime.left) return;
      const dropping = event.type === "end" && this.#kinds.has("drop-second-package");
      if (dropping && this.#reader instanceof LenientReader) this.#reader.drop();
    }
  }

  #take(event: PackageEvent): Promise<void> | undefined {
    const { rules, store } = this.#options;
    switch (event.type) {
      case "message": {
        const waiting = this.#begin();
        this.#incoming = new Incoming(event, rules, store, this.#misbehaviours);
        return waiting;
      }
      case "body":
        if (this.#misbehaviours.size > 0 && this.#head.length < HEAD_BYTES)
          this.#head += event.bytes.toString("latin1", 0, HEAD_BYTES);
        this.#incoming?.addBody(event.bytes);
        return undefined;
      case "sender":
        if (this.#incoming !== undefined) this.#incoming.sender = event.address;
        return undefined;
      case "recipient":
        this.#incoming?.addRecipient(event.address);
        return undefined;
      case "end":
        return this.#storesTogether ? this.#storeBehind() : this.#answer();
    }
  }

  #begin(): Promise<void> | undefined {
    const { draws } = this.#options;
    if (draws === undefined) return undefined;
    this.#misbehaviours = new Set([...this.#kinds, ...draws.forPackage()]);
    this.#head = "";
    if (this.#misbehaviours.has("close-mid-package")) {
      this.#lifetime.destroy();
    }
    if (!this.#misbehaviours.has("early-response")) return undefined;
    const early = { status: "success", text: Buffer.from("ok, before it came") } as const;
    this.#outbox.push([encodeResponse(early)]);
    return this.#outbox.flush(this.#reader.begun);
  }

  /** Whether packages that have arrived together wait for the disk together. */
  get #storesTogether(): boolean {
    const { store, delayMs, draws } = this.#options;
    return store !== undefined && delayMs === 0 && draws === undefined;
  }

  /** Stores the package while the next one is read. */
  #storeBehind(): Promise<void> | undefined {
    const incoming = this.#incoming as Incoming;
    this.#incoming = undefined;
    this.#together.add(incoming, this.#settle(incoming, NONE));
    return this.#together.isFull ? this.#answerTogether() : undefined;
  }

  async #answerTogether(): Promise<void> {
    await this.#together.answer();
    await this.#outbox.flush(this.#reader.begun);
  }

  async #answer(): Promise<void> {
    const incoming = this.#incoming as Incoming;
    this.#incoming = undefined;
    const { delayMs, draws } = this.#options;
    const kinds = this.#misbehaviours;
    const answers = await this.#settle(incoming, kinds);
    if (answers === undefined) return this.#lifetime.leave();
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    const { surplus } = incoming;
    const slowly = kinds.has("drip");
    if (slowly) await this.#outbox.flush(this.#reader.begun);
    const honest = encodeAll(answers, surplus);
    const lost = kinds.has("lose-after-16") && ++this.#packages > ANSWERED_AT_MOST;
    if (!lost) {
      this.#outbox.push(
        draws === undefined ? bytesOf(honest) : misbehave(kinds, honest, (count) => draws.bytes(count)),
      );
    }
    this.#outbox.answered({ ...factsOf(incoming), answers, surplus, misbehaviours: [...kinds] });
    await this.#afterAnswer(kinds, slowly);
  }

  /** The answers, or undefined if a fault closes the connection instead. */
  async #settle(incoming: Incoming, kinds: Kinds): Promise<readonly Answer[] | undefined> {
    const { nextNumber, store, onNotStored } = this.#options;
    const { recipients } = incoming;
    const unfair = unfairAnswer(kinds, { ...factsOf(incoming), recipients, head: this.#head });
    if (unfair === "close") {
      incoming.close();
      return undefined;
    }
    const answers = await incoming.settle(accepted(nextNumber()), unfair);
    if (storesLate(kinds) && store !== undefined) this.#unstored.push(incoming);
    else incoming.close();
    if (incoming.problems.size > 0) onNotStored([...incoming.problems]);
    return answers;
  }

  async #afterAnswer(kinds: Kinds, slowly: boolean): Promise<void> {
    const { delayMs, store } = this.#options;
    const delays = kinds.has("lose-responses") || kinds.has("wait-for-more");
    // Responses to a stored or delayed package must not wait for the packages after it.
    if (!delays && (delayMs > 0 || store !== undefined || kinds.size > 0))
      await this.#outbox.flush(this.#reader.begun, slowly);
    const closing = closesAfterPackage(kinds);
    if (closing === "reset") {
      this.#lifetime.reset();
    } else if (closing === "close") this.#lifetime.leave();
  }
}

function accepted(number: number): Response {
  return {
    status: "success",
    text: Buffer.from(`ok ${Math.floor(Date.now() / 1_000)} qp ${number}`),
  };
}
