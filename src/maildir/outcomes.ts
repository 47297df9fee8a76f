import type { ReturnedMessage } from "../bounce/compose.ts";
import { type BounceOptions, type NotReturned, returnMessages } from "../bounce/return.ts";
import type { SessionOfRun } from "../client/sessions-contract.ts";
import { reason, systemCode } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import { type MaildirFile, movedPath } from "./listing.ts";
import type { FilePackage } from "./message-file.ts";
import { decide, type FailurePolicy } from "./policy.ts";
import { Remover } from "./remover.ts";

/**
 * Sending waits while more files than this await removal: if this process is killed, their messages are sent again.
 */
const MAX_REMOVALS = 2_048;

export type MaildirPackage = FilePackage<MaildirFile>;

/** The result of a message, and what was done with its file. */
export interface MessageResult {
  readonly file: MaildirFile;
  readonly sender: Buffer;
  readonly delivery: Delivery;
  /** Bytes of the message, without its head. */
  readonly bytes: number;
  readonly outcome: "removed" | "bounced" | "discarded" | "kept";
  /** Whether it is a deferral that counts as a failure because the message is too old. */
  readonly expired: boolean;
  /** Why the file is still there although it should not be. */
  readonly note: NotReturned | undefined;
  /** The session in which it was sent, or undefined. */
  readonly session: SessionOfRun | undefined;
}

export interface OutcomesOptions {
  readonly maildir: string;
  readonly policy: FailurePolicy;
  readonly bounces: BounceOptions;
  /** Called once for each message. */
  readonly onResult: (result: MessageResult) => void;
}

/** A message and what came of sending it. */
export interface Sent {
  readonly pkg: MaildirPackage;
  readonly delivery: Delivery;
  /** The session in which it was sent last; undefined if none had it. */
  readonly session: SessionOfRun | undefined;
}

interface Undeliverable extends ReturnedMessage {
  readonly sent: Sent;
}

/** Acts on results: removes files, bounces messages, and reports the results in order. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #remover = new Remover();
  /** Messages to bounce once the round is over. */
  #undeliverable: Undeliverable[] = [];
  /** What sessions wait for while too many files await removal. */
  #room: Promise<void> | undefined;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** The server has answered. */
  answered(sent: Sent): void {
    const { pkg, delivery, session } = sent;
    const { file, head, sender } = pkg;
    const age = Date.now() - file.mtimeMs;
    const { action, expired } = decide(delivery.status, sender, age, this.#options.policy);
    const final = expired ? { ...sent, delivery: { ...delivery, status: "failure" as const } } : sent;
    if (action === "bounce") {
      const { recipient, text: reason } = delivery;
      const server = session?.server.address ?? null;
      this.#undeliverable.push({ file, head, recipient, reason, server, expired, sent: final });
    } else if (action === "remove") this.#remove(final, "removed", expired);
    else if (action === "discard") this.#remove(final, "discarded", expired);
    else this.keep(final, expired);
  }

  /** The file stays where it is. */
  keep(sent: Sent, expired = false, note?: NotReturned): void {
    this.#remover.afterEarlier(() => this.#report(sent, "kept", expired, note));
  }

  /** A promise that there is room again if too many files await removal; otherwise undefined. */
  waitForRoom(): Promise<void> | undefined {
    if (this.#remover.pending <= MAX_REMOVALS) return undefined;
    if (this.#room === undefined) {
      const room = this.#remover.until(MAX_REMOVALS).then(() => {
        if (this.#room === room) this.#room = undefined;
      });
      this.#room = room;
    }
    return this.#room;
  }

  /** Sends the bounces, and resolves when all results are reported. Call when no session waits for room. */
  async complete(): Promise<void> {
    this.#room = undefined;
    await this.#remover.until(0);
    const undeliverable = this.#undeliverable;
    this.#undeliverable = [];
    if (undeliverable.length > 0) await this.#bounce(undeliverable);
    await this.#remover.until(0);
  }

  async close(): Promise<void> {
    await this.#remover.close();
  }

  #bounce(messages: readonly Undeliverable[]): Promise<void> {
    return returnMessages(messages, this.#options.bounces, ({ sent, expired }, why) => {
      if (why === undefined) this.#remove(sent, "bounced", expired);
      else this.keep(sent, expired, { ...why, text: `not bounced: ${why.text}` });
    });
  }

  /** Call only when the message or its bounce was accepted. */
  #remove(sent: Sent, outcome: "removed" | "bounced" | "discarded", expired: boolean): void {
    this.#removeWhereItIs(sent.pkg.file, (error) => {
      if (error === undefined) {
        this.#report(sent, outcome, expired, undefined);
        return;
      }
      const again = outcome === "removed" ? "it will be delivered twice" : "it will be sent again";
      const text = `${again}: cannot remove the file: ${reason(error)}`;
      this.#report(sent, "kept", expired, { text });
    });
  }

  /** Removes a file that a mail reader may have moved or removed meanwhile. */
  #removeWhereItIs({ path, name }: MaildirFile, done: (error: Error | undefined) => void): void {
    this.#remover.remove(path, (error) => {
      if (systemCode(error) !== "ENOENT") {
        done(error);
        return;
      }
      const moved = movedPath(this.#options.maildir, name);
      if (moved === undefined) done(undefined);
      else this.#remover.remove(moved, done);
    });
  }

  #report(
    { pkg, delivery, session }: Sent,
    outcome: MessageResult["outcome"],
    expired: boolean,
    note: NotReturned | undefined,
  ): void {
    const { file, sender, message } = pkg;
    this.#options.onResult({
      file,
      sender,
      delivery,
      bytes: message.length,
      outcome,
      expired,
      note,
      session,
    });
  }
}
