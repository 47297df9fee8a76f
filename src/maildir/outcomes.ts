import type { ReturnedMessage } from "../bounce/compose.ts";
import { type BounceOptions, type NotReturned, returnMessages } from "../bounce/return.ts";
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
}

export interface OutcomesOptions {
  readonly maildir: string;
  readonly policy: FailurePolicy;
  readonly bounces: BounceOptions;
  /** Called once for each message. */
  readonly onResult: (result: MessageResult) => void;
}

interface Undeliverable extends ReturnedMessage {
  readonly package: MaildirPackage;
  readonly delivery: Delivery;
}

/** Acts on results: removes files, bounces messages, and reports the results in order. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #remover = new Remover();
  #server: string | null = null;
  /** Messages to bounce once the session is over. */
  #undeliverable: Undeliverable[] = [];

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** A session begins with the server at this address. */
  connected(address: string | null): void {
    this.#server = address;
  }

  /** The server has answered. */
  answered(pkg: MaildirPackage, delivery: Delivery): void {
    const { file, head, sender } = pkg;
    const age = Date.now() - file.mtimeMs;
    const { action, expired } = decide(delivery.status, sender, age, this.#options.policy);
    const final = expired ? { ...delivery, status: "failure" as const } : delivery;
    if (action === "bounce") {
      const { recipient, text: reason } = final;
      const returned = { file, head, recipient, reason, server: this.#server, expired };
      this.#undeliverable.push({ ...returned, package: pkg, delivery: final });
    } else if (action === "remove") this.#remove(pkg, final, "removed", expired);
    else if (action === "discard") this.#remove(pkg, final, "discarded", expired);
    else this.keep(pkg, final, expired);
  }

  /** The file stays where it is. */
  keep(pkg: MaildirPackage, delivery: Delivery, expired = false, note?: NotReturned): void {
    this.#remover.afterEarlier(() => this.#report(pkg, delivery, "kept", expired, note));
  }

  /** A promise that there is room again if too many files await removal; otherwise undefined. */
  waitForRoom(): Promise<void> | undefined {
    return this.#remover.pending > MAX_REMOVALS ? this.#remover.until(MAX_REMOVALS) : undefined;
  }

  /** Sends the bounces, and resolves when all results are reported. */
  async complete(): Promise<void> {
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
    return returnMessages(messages, this.#options.bounces, (message, why) => {
      const { package: pkg, delivery, expired } = message;
      if (why === undefined) this.#remove(pkg, delivery, "bounced", expired);
      else this.keep(pkg, delivery, expired, { ...why, text: `not bounced: ${why.text}` });
    });
  }

  /** Call only when the message or its bounce was accepted. */
  #remove(
    pkg: MaildirPackage,
    delivery: Delivery,
    outcome: "removed" | "bounced" | "discarded",
    expired: boolean,
  ): void {
    this.#removeWhereItIs(pkg.file, (error) => {
      if (error === undefined) {
        this.#report(pkg, delivery, outcome, expired, undefined);
        return;
      }
      const again = outcome === "removed" ? "it will be delivered twice" : "it will be sent again";
      const text = `${again}: cannot remove the file: ${reason(error)}`;
      this.#report(pkg, delivery, "kept", expired, { text });
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
    pkg: MaildirPackage,
    delivery: Delivery,
    outcome: MessageResult["outcome"],
    expired: boolean,
    note: NotReturned | undefined,
  ): void {
    const { file, sender, message } = pkg;
    this.#options.onResult({ file, sender, delivery, bytes: message.length, outcome, expired, note });
  }
}
