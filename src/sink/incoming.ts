import { encodeMaildirHead } from "../envelope/maildir-head.ts";
import { reason } from "../errors.ts";
import { storeMessage } from "../maildir/store.ts";
import { LineEndConverter } from "../message/line-ends.ts";
import { Spool } from "../message/spool.ts";
import type { Encoding } from "../protocol/package.ts";
import type { Response } from "../protocol/response.ts";
import { type Policy, refusal, refusalOfAll } from "./verdict.ts";

/** What a message may take of memory before it goes to a file, in bytes: there may be many at once. */
const MEMORY_LIMIT = 256 * 1024;
/** What all addresses of a package may take, in bytes; further recipients are refused and only counted. */
const ADDRESSES_LIMIT = 64 * 1024 * 1024;

/** A recipient with what it is told. */
export interface Answer {
  readonly recipient: Buffer;
  readonly response: Response;
}

/** A package on its way in: what memory it takes is bounded, whatever the client declares. */
export class Incoming {
  readonly encoding: Encoding;
  /** Bytes of the message, without the one that names the encoding. */
  readonly bytes: number;
  sender: Buffer = Buffer.alloc(0);
  readonly #policy: Policy;
  readonly #maildir: string | undefined;
  readonly #converter = new LineEndConverter("unix");
  #spool: Spool | undefined;
  #unstorable: Response | undefined;
  readonly #recipients: Buffer[] = [];
  #addressBytes = 0;
  /** Recipients beyond the limits. */
  surplus = 0;

  constructor(encoding: Encoding, bytes: number, policy: Policy, maildir: string | undefined) {
    this.encoding = encoding;
    this.bytes = bytes;
    this.#policy = policy;
    this.#maildir = maildir;
    if (maildir !== undefined && bytes <= policy.maxBytes)
      this.#spool = new Spool(`${maildir}/tmp`, MEMORY_LIMIT);
  }

  /** Keeps bytes of the message, where it will be stored. What cannot be kept is a deferral later. */
  addBody(bytes: Buffer): void {
    if (this.#spool === undefined) return;
    this.#keep(this.encoding === "dos" ? this.#converter.convert(bytes) : bytes);
  }

  addRecipient(recipient: Buffer): void {
    this.#addressBytes += recipient.length;
    const full =
      this.#recipients.length >= this.#policy.maxRecipients || this.#addressBytes > ADDRESSES_LIMIT;
    if (full) this.surplus++;
    else this.#recipients.push(recipient);
  }

  /** Judges the recipients and stores the message for those that are taken: only then they have a success. */
  async settle(accepted: Response): Promise<Answer[]> {
    if (this.encoding === "dos") this.#keep(this.#converter.end());
    const all = refusalOfAll(this.sender, this.bytes, this.#policy);
    const answers: Answer[] = [];
    for (const recipient of this.#recipients) {
      const refused = all ?? refusal(recipient, this.#policy);
      const response =
        refused ?? (this.#maildir === undefined ? accepted : await this.#store(recipient, accepted));
      answers.push({ recipient, response });
    }
    return answers;
  }

  close(): void {
    this.#spool?.close();
  }

  #keep(bytes: Buffer): void {
    if (this.#unstorable !== undefined) return;
    try {
      this.#spool?.add(bytes);
    } catch (error) {
      this.#unstorable = unstorable(error);
    }
  }

  async #store(recipient: Buffer, accepted: Response): Promise<Response> {
    if (this.#unstorable !== undefined) return this.#unstorable;
    try {
      await storeMessage(this.#maildir as string, this.#file(recipient));
      return accepted;
    } catch (error) {
      return unstorable(error);
    }
  }

  /** The form that maildirqmtp takes up again. */
  async *#file(recipient: Buffer): AsyncGenerator<Buffer, void> {
    yield encodeMaildirHead(this.sender, recipient);
    yield* this.#spool?.chunks() ?? [];
  }
}

function unstorable(error: unknown): Response {
  return { status: "deferral", text: Buffer.from(`cannot store the message: ${reason(error)} (#4.3.0)`) };
}
