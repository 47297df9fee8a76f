import type { SessionOfRun } from "../client/sessions-contract.ts";
import { MessageFileReader } from "./message-file.ts";

/** The readers of a run: each session has one, whose buffer contains the message that it sends next. */
export class Readers {
  readonly #newReader: () => MessageFileReader;
  /** For use between rounds, when no session has it. */
  readonly first: MessageFileReader;
  /** Readers that no session uses. Between rounds, the first one is among them. */
  readonly #free: MessageFileReader[];
  readonly #inUse = new Map<SessionOfRun, MessageFileReader>();

  /** @param options what each reader is made with */
  constructor(...options: ConstructorParameters<typeof MessageFileReader>) {
    this.#newReader = () => new MessageFileReader(...options);
    this.first = this.#newReader();
    this.#free = [this.first];
  }

  lendTo(session: SessionOfRun): MessageFileReader {
    const reader = this.#free.pop() ?? this.#newReader();
    this.#inUse.set(session, reader);
    return reader;
  }

  /** The session is over. It may have had no reader. */
  takeBackFrom(session: SessionOfRun): void {
    const reader = this.#inUse.get(session);
    if (reader !== undefined) this.#free.push(reader);
    this.#inUse.delete(session);
  }
}
