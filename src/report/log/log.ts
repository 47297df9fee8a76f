import { type LogEntry, logLine } from "./line.ts";

/** Where to write lines. A line that cannot be written must not stop the mail. */
export interface LogTarget {
  /** @throws the system's error */
  write(line: string): void;
  /** Resolves when all lines are written. @throws {Error} if lines were lost and `write` did not throw */
  close(): Promise<void>;
}

/** Writes a line for each delivery. Reports the first failure to write; otherwise ignores failures. */
export class DeliveryLog {
  readonly #onFailure: (error: unknown) => void;
  readonly #target: LogTarget | undefined;
  #failed = false;

  /** @param open throws the system's error if the log cannot be written at all */
  constructor(open: () => LogTarget, onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
    this.#target = this.#attempt(open);
  }

  add(entry: LogEntry): void {
    this.#attempt(() => this.#target?.write(logLine(entry, new Date())));
  }

  async close(): Promise<void> {
    try {
      await this.#target?.close();
    } catch (error) {
      this.#fail(error);
    }
  }

  #attempt<T>(action: () => T): T | undefined {
    try {
      return action();
    } catch (error) {
      this.#fail(error);
      return undefined;
    }
  }

  #fail(error: unknown): void {
    if (!this.#failed) this.#onFailure(error);
    this.#failed = true;
  }
}
