import { MAX_SYNCS, syncNew, type WrittenMessage, writeMessage } from "./store.ts";

interface Waiting {
  readonly message: WrittenMessage;
  readonly settle: (result: StoreResult) => void;
}

/** Null if the message is durable; otherwise why not. */
export type StoreResult = { readonly error: unknown } | null;

/** A message in tmp/, which waits for the disk. */
export interface Storing {
  /** Never rejects. */
  readonly result: Promise<StoreResult>;
}

/**
 * Puts messages into a maildir, completely or not at all, and many at once: while one batch waits for the disk, the next
 * one gathers. The file system's journal commits a batch together, and new/ is synced once for all of it.
 */
export class BatchedStore {
  readonly path: string;
  #waiting: Waiting[] = [];
  /** Messages whose files are open. */
  #open = 0;
  #storing = false;
  /** Callers that wait until there are fewer open files; longest first. */
  readonly #queue: (() => void)[] = [];

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Writes a message, and lets it wait for the next batch.
   * @param pieces are no longer read once this resolves
   * @throws the system's error; no file is left then
   */
  async write(pieces: Iterable<Buffer> | AsyncIterable<Buffer>): Promise<Storing> {
    while (this.#open === MAX_SYNCS) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#open++;
    let message: WrittenMessage;
    try {
      message = await writeMessage(this.path, pieces);
    } catch (error) {
      this.#closed(1);
      throw error;
    }
    const result = new Promise<StoreResult>((settle) => this.#waiting.push({ message, settle }));
    if (!this.#storing) void this.#storeAll();
    return { result };
  }

  async #storeAll(): Promise<void> {
    this.#storing = true;
    while (this.#waiting.length > 0) {
      // What has arrived is written in this turn, and joins.
      await new Promise(setImmediate);
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#store(batch);
      this.#closed(batch.length);
    }
    this.#storing = false;
  }

  async #store(batch: readonly Waiting[]): Promise<void> {
    const placed = await Promise.all(batch.map(({ message }) => resultOf(message.place())));
    const synced = placed.includes(null) ? await resultOf(syncNew(this.path)) : null;
    for (const [at, { settle }] of batch.entries()) settle(placed[at] ?? synced);
  }

  #closed(count: number): void {
    this.#open -= count;
    for (const resume of this.#queue.splice(0, count)) resume();
  }
}

function resultOf(step: Promise<void>): Promise<StoreResult> {
  return step.then(
    () => null,
    (error: unknown) => ({ error }),
  );
}
