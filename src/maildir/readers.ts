import type { SessionOfRun } from "../client/sessions-contract.ts";
import type { SpareDescriptor } from "../io/spare-descriptor.ts";
import { CHUNK } from "../message/file-chunks.ts";
import { MessageFileReader, type UnreadFile } from "./message-file.ts";

/** Bytes of large messages that all sessions together have read and not written yet. */
const MAX_CHUNKS = 64 * 1024 * 1024;

/** As for `MessageFileReader`. */
export interface ReaderOptions {
  readonly prefix: Buffer;
  readonly onUnreadable: (file: UnreadFile) => void;
  readonly spare: SpareDescriptor | undefined;
}

/** The readers of a run: each session has one, whose buffer contains the message that it sends next. */
export class Readers {
  readonly #newReader: () => MessageFileReader;
  /** For use between rounds, when no session has it. */
  readonly first: MessageFileReader;
  /** Readers that no session uses. Between rounds, the first one is among them. */
  readonly #free: MessageFileReader[];
  readonly #inUse = new Map<SessionOfRun, MessageFileReader>();

  /** @param sessions the most at once */
  constructor(sessions: number, { prefix, onUnreadable, spare }: ReaderOptions) {
    const chunk = Math.min(CHUNK, Math.ceil(MAX_CHUNKS / sessions));
    this.#newReader = () => new MessageFileReader(prefix, onUnreadable, chunk, spare);
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
