import { type Delivery, deferralFor, deliveryFrom } from "./delivery.ts";
import type { Package } from "./package.ts";
import type { Response } from "./response.ts";
import { ViolationError } from "./violation.ts";

/** Texts for recipients that get no response. */
export interface DeferralTexts {
  /** For recipients whose package was sent completely. */
  readonly sent: string;
  readonly unsent: string;
  /** Instead of `unsent`, for a message larger than some servers accept. */
  readonly unsentLarge?: string;
  /** The server certainly delivered nothing, however much was sent. */
  readonly undelivered?: true;
}

/**
 * Some servers close the connection when a package declares a message of this many bytes. qmail's old limit is
 * 200,000,000 including the encoding byte, and servers differ in what they count.
 */
const LARGE_MESSAGE = 199_999_999;

/** Ends the text of a deferral if the server got the complete package. */
export const MAYBE_DELIVERED = " (the message may have been delivered)";

interface Owed<P> {
  readonly package: P;
  /** Bytes of the package on the wire. */
  readonly bytes: number;
  /** One for each response so far, in the order of the package's recipients. */
  readonly deliveries: Delivery[];
}

/**
 * The responses owed, first in, first out: a server answers packages in the order in which they were sent, and
 * recipients in the order in which the package names them (qmtp.txt, section 2).
 *
 * A package is opened before its first byte, written once its final byte was handed to the connection, and sent once
 * the connection has taken that byte. Responses are legal as soon as the package is written (a response may arrive
 * before the write's callback); the server may have accepted the package once it is sent.
 */
export class Ledger<P extends Package> {
  readonly #onSettled: (pkg: P, deliveries: Delivery[]) => void;
  #owed: Owed<P>[] = [];
  /** Settled packages still at the front of `#owed`. */
  #skipped = 0;
  /** Packages settled so far, and so the number of the oldest one owed. */
  #settled = 0;
  #written = 0;
  #sent = 0;
  #bytes = 0;

  /** @param onSettled called once for each opened package, with a delivery for each recipient */
  constructor(onSettled: (pkg: P, deliveries: Delivery[]) => void) {
    this.#onSettled = onSettled;
  }

  /** Packages opened but not settled. */
  get packages(): number {
    return this.#owed.length - this.#skipped;
  }

  /** Packages settled since the start. */
  get settled(): number {
    return this.#settled;
  }

  /** Bytes of the packages opened but not settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the oldest package has some of its responses but not all. */
  get partlyAnswered(): boolean {
    return this.oldestAnswers > 0;
  }

  /** Responses so far to the oldest package owed. */
  get oldestAnswers(): number {
    return this.#head?.deliveries.length ?? 0;
  }

  /** Whether the newest package has more than one recipient. */
  get lastHasSeveralRecipients(): boolean {
    return this.packages > 0 && (this.#owed.at(-1)?.package.recipients.length ?? 0) > 1;
  }

  open(pkg: P, bytes: number): void {
    this.#owed.push({ package: pkg, bytes, deliveries: [] });
    this.#bytes += bytes;
  }

  /** The final bytes of the first `count` packages since the start were handed to the connection. */
  markWritten(count: number): void {
    this.#written = Math.max(this.#written, count);
  }

  /** The connection has taken the final bytes of the first `count` packages since the start. */
  markSent(count: number): void {
    this.#sent = Math.max(this.#sent, count);
  }

  /**
   * Assigns the next response to the recipient it is for.
   * @throws {ViolationError} surplus-response, early-response: no recipient is owed one, and nothing is settled
   */
  settle(response: Response, offset: number): void {
    const head = this.#head;
    if (head === undefined) {
      throw new ViolationError("surplus-response", `a response to nothing: ${quote(response)}`, offset);
    }
    if (this.#settled >= this.#written) {
      const text = `a response before the end of the package: ${quote(response)}`;
      throw new ViolationError("early-response", text, offset);
    }
    const recipient = head.package.recipients[head.deliveries.length] as Buffer;
    head.deliveries.push(deliveryFrom(recipient, response));
    if (head.deliveries.length === head.package.recipients.length) this.#close(head);
  }

  /** Turns everything owed into deferrals. This is the only place that does. */
  abandon(texts: DeferralTexts, error?: Error): void {
    const sent = Buffer.from(texts.sent + MAYBE_DELIVERED);
    const unsent = Buffer.from(texts.unsent);
    const unsentLarge = Buffer.from(texts.unsentLarge ?? texts.unsent);
    for (let head = this.#head; head !== undefined; head = this.#head) {
      const complete = this.#settled < this.#sent && !texts.undelivered;
      const large = head.package.message.length >= LARGE_MESSAGE;
      const text = complete ? sent : large ? unsentLarge : unsent;
      for (const recipient of head.package.recipients.slice(head.deliveries.length)) {
        head.deliveries.push(deferralFor(recipient, text, error, complete));
      }
      this.#close(head);
    }
  }

  /** The newest package will never be completed: defers its recipients. The others are still owed responses. */
  abandonUnfinished(text: string, error?: Error): void {
    const last = this.#owed.at(-1);
    if (this.packages === 0 || last === undefined || this.#written === this.#settled + this.packages) return;
    this.#owed.pop();
    this.#bytes -= last.bytes;
    const unsent = Buffer.from(text);
    this.#onSettled(
      last.package,
      last.package.recipients.map((recipient) => deferralFor(recipient, unsent, error)),
    );
  }

  get #head(): Owed<P> | undefined {
    return this.#owed[this.#skipped];
  }

  #close(head: Owed<P>): void {
    this.#settled++;
    this.#bytes -= head.bytes;
    this.#skipped++;
    // Array.shift takes time proportional to the list's length. Trimming once half is settled keeps the mean cost constant.
    if (this.#skipped > 32 && this.#skipped * 2 > this.#owed.length) {
      this.#owed = this.#owed.slice(this.#skipped);
      this.#skipped = 0;
    }
    this.#onSettled(head.package, head.deliveries);
  }
}

function quote({ status, text }: Response): string {
  return `${status}: ${text.toString("utf8")}`;
}
