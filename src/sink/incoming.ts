import { encodeMaildirHead } from "../envelope/maildir-head.ts";
import { reason } from "../errors.ts";
import type { BatchedStore, StoreResult, Storing } from "../maildir/batched.ts";
import { LineEndConverter } from "../message/line-ends.ts";
import { StoredBytes } from "../message/stored-bytes.ts";
import type { Encoding } from "../protocol/package.ts";
import type { Response } from "../protocol/response.ts";
import { Corruption } from "./corrupt.ts";
import { type Kinds, storesLate } from "./misbehaviour.ts";
import { type AcceptanceRules, refusal, refusalOfAll } from "./rules.ts";

/** Bytes of a message to keep in memory before it is moved to a file: there may be many clients at once. */
const MAX_MEMORY = 256 * 1024;
/** Bytes of all addresses of a package; further recipients are refused and only counted. */
const MAX_ADDRESSES = 64 * 1024 * 1024;

const NOT_STORED: Response = { status: "deferral", text: Buffer.from("cannot store the message (#4.3.0)") };

/** A recipient and its response. */
export interface Answer {
  readonly recipient: Buffer;
  readonly response: Response;
}

/** A package as it arrives. Its memory is bounded, whatever the client declares. */
export class Incoming {
  readonly encoding: Encoding;
  /** Bytes of the message, not counting the encoding byte. */
  readonly bytes: number;
  sender: Buffer = Buffer.alloc(0);
  readonly #rules: AcceptanceRules;
  readonly #store: BatchedStore | undefined;
  /** Undefined if line ends are stored unchanged. */
  readonly #converter: LineEndConverter | undefined;
  readonly #kinds: Kinds;
  #body: StoredBytes | undefined;
  /** Whether part of the message could not be kept. */
  #incomplete = false;
  readonly #recipients: Buffer[] = [];
  #addressBytes = 0;
  /** Recipients beyond the limits. */
  surplus = 0;
  /** Accepted, but not stored yet. */
  #unstored: Buffer[] | undefined;
  /** Why the message could not be stored, each reason once. Not for the client: reasons may contain our paths. */
  readonly problems = new Set<string>();

  constructor(
    { encoding, length: bytes }: { readonly encoding: Encoding; readonly length: number },
    rules: AcceptanceRules,
    store: BatchedStore | undefined,
    kinds: Kinds,
  ) {
    this.encoding = encoding;
    this.bytes = bytes;
    this.#rules = rules;
    this.#store = store;
    if (encoding === "dos" && !kinds.has("keep-dos")) this.#converter = new LineEndConverter("unix");
    this.#kinds = kinds;
    if (storesLate(kinds)) this.#unstored = [];
    if (store !== undefined && bytes <= rules.maxBytes)
      this.#body = new StoredBytes(`${store.path}/tmp`, MAX_MEMORY);
  }

  /** Keeps part of a message that is to be stored. If that fails, the recipients are deferred at the end. */
  addBody(bytes: Buffer): void {
    if (this.#body === undefined) return;
    this.#keep(this.#converter === undefined ? bytes : this.#converter.convert(bytes));
  }

  addRecipient(recipient: Buffer): void {
    this.#addressBytes += recipient.length;
    const full = this.#recipients.length >= this.#rules.maxRecipients || this.#addressBytes > MAX_ADDRESSES;
    if (full) this.surplus++;
    else this.#recipients.push(recipient);
  }

  get recipients(): number {
    return this.#recipients.length + this.surplus;
  }

  /**
   * Decides on each recipient, and stores the message for those accepted. Only what is stored is a success.
   * @param unfair the answer to all of them, whatever the rules say
   */
  async settle(accepted: Response, unfair?: Response): Promise<Answer[]> {
    if (this.#converter !== undefined) this.#keep(this.#converter.end());
    const all = unfair ?? refusalOfAll(this.sender, this.bytes, this.#rules);
    const answers: Answer[] = [];
    /** By the index of their answer. */
    const storing = new Map<number, Storing>();
    for (const recipient of this.#recipients) {
      const refused = all ?? refusal(recipient, this.#rules);
      const stores = refused === undefined && this.#store !== undefined;
      const written = stores ? await this.#write(recipient) : undefined;
      if (typeof written === "object") storing.set(answers.length, written);
      answers.push({ recipient, response: refused ?? (written === "lost" ? NOT_STORED : accepted) });
    }
    for (const [at, { result }] of storing) {
      const { recipient } = answers[at] as Answer;
      if (!(await this.#isStored(result))) answers[at] = { recipient, response: NOT_STORED };
    }
    return answers;
  }

  /** Stores what was accepted and not stored. */
  async storeLate(): Promise<void> {
    const unstored = this.#unstored ?? [];
    this.#unstored = undefined;
    for (const recipient of unstored) {
      const written = await this.#write(recipient);
      if (typeof written === "object") await this.#isStored(written.result);
    }
  }

  close(): void {
    this.#body?.close();
  }

  #keep(bytes: Buffer): void {
    if (this.#incomplete) return;
    try {
      this.#body?.add(bytes);
    } catch (error) {
      this.#incomplete = true;
      this.problems.add(reason(error));
    }
  }

  /** @returns undefined if there is nothing to store; "lost" if it cannot be stored */
  async #write(recipient: Buffer): Promise<Storing | "lost" | undefined> {
    const store = this.#store;
    if (store === undefined) return undefined;
    if (this.#incomplete) return "lost";
    if (this.#kinds.has("store-nothing")) return undefined;
    if (this.#unstored !== undefined) {
      this.#unstored.push(recipient);
      return undefined;
    }
    try {
      return await store.write(this.#file(recipient));
    } catch (error) {
      this.problems.add(reason(error));
      return "lost";
    }
  }

  async #isStored(storing: Promise<StoreResult>): Promise<boolean> {
    const failed = await storing;
    if (failed !== null) this.problems.add(reason(failed.error));
    return failed === null;
  }

  /** The content of a file that maildirqmtp can deliver. */
  async *#file(recipient: Buffer): AsyncGenerator<Buffer, void> {
    yield encodeMaildirHead(this.sender, recipient);
    const chunks = this.#body?.chunks() ?? [];
    const corruption = Corruption.by(this.#kinds);
    if (corruption === undefined) yield* chunks;
    else yield* corruption.apply(chunks);
  }
}

/** What the package says of itself. */
export function factsOf({ encoding, bytes, sender }: Incoming) {
  return { encoding, bytes, sender };
}
