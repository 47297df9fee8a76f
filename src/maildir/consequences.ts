import { reason, systemCode } from "../errors.ts";
import type { Delivery } from "../protocol/delivery.ts";
import { type MaildirFile, movedPath } from "./listing.ts";
import type { FilePackage } from "./message-file.ts";
import { consequenceOf, type Policy } from "./policy.ts";
import { Remover } from "./remover.ts";

/**
 * Files of delivered messages that may wait for their removal before sending waits for them: were this process
 * killed, the messages would be sent again.
 */
const MOST_REMOVALS = 2_048;

export type MaildirPackage = FilePackage<MaildirFile>;

/** A message that nobody will deliver, on its way back. */
export interface Undeliverable {
  readonly package: MaildirPackage;
  readonly delivery: Delivery;
  /** The message got a deferral, and was too old for another one. */
  readonly expired: boolean;
}

/** What became of a message, and of its file. */
export interface MessageResult {
  readonly file: MaildirFile;
  readonly sender: Buffer;
  readonly delivery: Delivery;
  /** Bytes of the message, without its head. */
  readonly bytes: number;
  readonly outcome: "removed" | "bounced" | "discarded" | "kept";
  readonly expired: boolean;
  /** What else there is to say of the file. */
  readonly note: string | undefined;
}

export interface ConsequencesOptions {
  readonly maildir: string;
  readonly policy: Policy;
  /** Returns messages to their senders, and tells of each whether that was accepted, or why it was not. */
  readonly bounce: (
    messages: readonly Undeliverable[],
    onReturned: (message: Undeliverable, problem: string | undefined) => void,
  ) => Promise<void>;
  /** Called once for each message. */
  readonly onResult: (result: MessageResult) => void;
}

/** What follows from responses: files are removed, messages bounced, and the results told in their order. */
export class Consequences {
  readonly #options: ConsequencesOptions;
  readonly #remover = new Remover();
  /** What shall go back to its sender, once the session is over. */
  #undeliverable: Undeliverable[] = [];

  constructor(options: ConsequencesOptions) {
    this.#options = options;
  }

  /** The server has answered. */
  answered(pkg: MaildirPackage, delivery: Delivery): void {
    const age = Date.now() - pkg.file.mtimeMs;
    const { action, expired } = consequenceOf(delivery.status, pkg.sender, age, this.#options.policy);
    const final = expired ? { ...delivery, status: "failure" as const } : delivery;
    if (action === "bounce") this.#undeliverable.push({ package: pkg, delivery: final, expired });
    else if (action === "remove") this.#remove(pkg, final, "removed", expired);
    else if (action === "discard") this.#remove(pkg, final, "discarded", expired);
    else this.keep(pkg, final, expired);
  }

  /** The file stays where it is. */
  keep(pkg: MaildirPackage, delivery: Delivery, expired = false, note?: string): void {
    this.#remover.afterThose(() => this.#tell(pkg, delivery, "kept", expired, note));
  }

  /** Undefined, or a promise of room, where too many files wait for their removal. */
  waitForRoom(): Promise<void> | undefined {
    return this.#remover.pending > MOST_REMOVALS ? this.#remover.until(MOST_REMOVALS) : undefined;
  }

  /** Bounces what has to be, and resolves when all results are told. */
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
    return this.#options.bounce(messages, ({ package: pkg, delivery, expired }, problem) => {
      if (problem === undefined) this.#remove(pkg, delivery, "bounced", expired);
      else this.keep(pkg, delivery, expired, `not bounced: ${problem}`);
    });
  }

  /** Only now, when the server has accepted the message, or its bounce was. */
  #remove(
    pkg: MaildirPackage,
    delivery: Delivery,
    outcome: "removed" | "bounced" | "discarded",
    expired: boolean,
  ): void {
    this.#removeWhereItIs(pkg.file, (error) => {
      if (error === undefined) {
        this.#tell(pkg, delivery, outcome, expired, undefined);
        return;
      }
      const again = outcome === "removed" ? "it will be delivered twice" : "it will be sent again";
      this.#tell(pkg, delivery, "kept", expired, `${again}: cannot remove the file: ${reason(error)}`);
    });
  }

  /** A mail reader may have moved it in the meantime, or removed it. */
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

  #tell(
    pkg: MaildirPackage,
    delivery: Delivery,
    outcome: MessageResult["outcome"],
    expired: boolean,
    note: string | undefined,
  ): void {
    const { file, sender, message } = pkg;
    this.#options.onResult({ file, sender, delivery, bytes: message.length, outcome, expired, note });
  }
}
