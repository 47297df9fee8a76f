import { answered, type Delivery, deferred } from "./delivery.ts";
import type { Package } from "./package.ts";
import type { Response } from "./response.ts";
import { ViolationError } from "./violation.ts";

/** What to say about recipients that get no response. */
export interface DeferralTexts {
  /** For recipients whose package was sent whole. */
  readonly sent: string;
  readonly unsent: string;
  /** Instead of `unsent`, for a message that is larger than some servers take. */
  readonly unsentLarge?: string;
  /** Whatever was sent, the server has delivered none of it. */
  readonly unread?: true;
}

/**
 * Some servers close the connection if a package declares a message this large, in bytes. qmail's old limit is
 * 200,000,000, the byte that names the encoding included, and not all count alike.
 */
const LARGE_MESSAGE = 199_999_999;

/** Ends the text of a deferral if the server had the whole package. */
export const MAYBE_DELIVERED = " (the message may have been delivered)";

interface Owed<P> {
  readonly package: P;
  /** Bytes of the package on the wire. */
  readonly bytes: number;
  /** In the order of the package's recipients, one for each response so far. */
  readonly deliveries: Delivery[];
}

/**
 * The responses owed, first in, first out: a server answers packages in the order in which they were sent, and
 * recipients in the order in which the package names them (qmtp.txt, section 2).
 *
 * A package is `opened` before its first byte, `written` when its final byte was handed to the connection, and
 * `sent` when the connection has taken that byte. A response is due from `written` on (it may overtake the news
 * that the byte was taken); a package may have been accepted from `sent` on.
 */
export class Ledger<P extends Package> {
  readonly #onSettled: (pkg: P, deliveries: Delivery[]) => void;
  #owed: Owed<P>[] = [];
  /** Settled packages at the front of `#owed`, not yet trimmed. */
  #skipped = 0;
  /** Packages settled so far; the oldest owed one has this number. */
  #first = 0;
  #written = 0;
  #sent = 0;
  #bytes = 0;

  /** @param onSettled called once for each opened package, with a delivery for each recipient */
  constructor(onSettled: (pkg: P, deliveries: Delivery[]) => void) {
    this.#onSettled = onSettled;
  }

  /** Packages opened and not settled. */
  get packages(): number {
    return this.#owed.length - this.#skipped;
  }

  /** Packages settled since the start. */
  get settled(): number {
    return this.#first;
  }

  /** Bytes of the packages opened and not settled. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the oldest package has some of its responses, but not all. */
  get partlyAnswered(): boolean {
    return this.oldestAnswers > 0;
  }

  /** Responses to the oldest package that is not settled. */
  get oldestAnswers(): number {
    return this.#head?.deliveries.length ?? 0;
  }

  /** Whether the newest package is owed more than one response. */
  get lastHasSeveralRecipients(): boolean {
    return this.packages > 0 && (this.#owed.at(-1)?.package.recipients.length ?? 0) > 1;
  }

  open(pkg: P, bytes: number): void {
    this.#owed.push({ package: pkg, bytes, deliveries: [] });
    this.#bytes += bytes;
  }

  /** The final bytes of the first `count` packages since the start were handed to the connection. */
  written(count: number): void {
    this.#written = Math.max(this.#written, count);
  }

  /** The connection has taken the final bytes of the first `count` packages since the start. */
  sent(count: number): void {
    this.#sent = Math.max(this.#sent, count);
  }

  /**
   * Takes the next response.
   * @throws {ViolationError} surplus-response, early-response: it answers nothing, and settles nothing
   */
  settle(response: Response, offset: number): void {
    const head = this.#head;
    if (head === undefined) {
      throw new ViolationError("surplus-response", `a response to nothing: ${quote(response)}`, offset);
    }
    if (this.#first >= this.#written) {
      const text = `a response before the end of the package: ${quote(response)}`;
      throw new ViolationError("early-response", text, offset);
    }
    const recipient = head.package.recipients[head.deliveries.length] as Buffer;
    head.deliveries.push(answered(recipient, response));
    if (head.deliveries.length === head.package.recipients.length) this.#close(head);
  }

  /** Turns everything owed into deferrals; nothing else does. */
  abandon(texts: DeferralTexts, error?: Error): void {
    const sent = Buffer.from(texts.sent + MAYBE_DELIVERED);
    const unsent = Buffer.from(texts.unsent);
    const unsentLarge = Buffer.from(texts.unsentLarge ?? texts.unsent);
    for (let head = this.#head; head !== undefined; head = this.#head) {
      const whole = this.#first < this.#sent && !texts.unread;
      const large = head.package.message.length >= LARGE_MESSAGE;
      const text = whole ? sent : large ? unsentLarge : unsent;
      for (const recipient of head.package.recipients.slice(head.deliveries.length)) {
        head.deliveries.push(deferred(recipient, text, error, whole));
      }
      this.#close(head);
    }
  }

  /** The newest package will never be written whole: its recipients are deferred, the others still owed. */
  abandonUnfinished(text: string, error?: Error): void {
    const last = this.#owed.at(-1);
    if (this.packages === 0 || last === undefined || this.#written === this.#first + this.packages) return;
    this.#owed.pop();
    this.#bytes -= last.bytes;
    const unsent = Buffer.from(text);
    this.#onSettled(
      last.package,
      last.package.recipients.map((recipient) => deferred(recipient, unsent, error)),
    );
  }

  get #head(): Owed<P> | undefined {
    return this.#owed[this.#skipped];
  }

  #close(head: Owed<P>): void {
    this.#first++;
    this.#bytes -= head.bytes;
    this.#skipped++;
    // A shift costs time in proportion to the list. Halving it now and then keeps the mean cost constant.
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
