import type { Duplex } from "node:stream";
import { QmtpError, reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import { now } from "../io/clock.ts";
import { Deadline } from "../io/deadline.ts";
import { Ledger } from "../protocol/ledger.ts";
import { OPENING_LENGTH, openingOf } from "../protocol/opening.ts";
import type { Package, PackageSource } from "../protocol/package.ts";
import { ResponseReader } from "../protocol/response.ts";
import { type Violation, ViolationError } from "../protocol/violation.ts";
import {
  type Cause,
  connectionClosed,
  connectionFailed,
  connectionRefused,
  interrupted,
  messageUnreadable,
  missingResponses,
  noProgress,
  protocolViolation,
  runTooLong,
  sessionTooLong,
} from "./cause.ts";
import type { SessionEnd, SessionOptions } from "./contract.ts";
import { Window } from "./window.ts";
import { Writer } from "./writer.ts";

/**
 * Servers write all responses to a package at once. A server that has sent some of them and then nothing for this
 * long will send no more. Counted from the last byte received, so that a slow connection is not given up.
 */
const LATER_RESPONSES_MS = 30_000;

/**
 * How long to keep reading once everything is answered and our side is closed: a surplus response would show that
 * earlier ones were matched to the wrong recipients. A round trip is enough for a response already on its way; the
 * minimum allows for pauses of a busy machine.
 */
const LINGER_MS = { min: 100, max: 1_000 };

/**
 * Sends the packages over the connection, pipelined, and closes it. The ledger turns each response into a delivery.
 * Never rejects: an error becomes deferrals, and the cause in the result.
 */
export function runSession<P extends Package>(
  connection: Duplex,
  packages: PackageSource<P>,
  options: SessionOptions<P>,
): Promise<SessionEnd> {
  return new Session(connection, packages, options).run();
}

/**
 * A write loop beside a reader. They share only the ledger, so neither waits for the other: the writer waits for the
 * connection to drain and for room in the window, the reader for bytes.
 */
class Session<P extends Package> {
  readonly #connection: Duplex;
  readonly #options: SessionOptions<P>;
  readonly #ledger: Ledger<P>;
  readonly #window: Window<P>;
  readonly #writer: Writer<P>;
  readonly #reader = new ResponseReader();
  readonly #violations: Violation[] = [];
  readonly #deadlines: Readonly<
    Record<"idle" | "write" | "session" | "drain" | "laterResponses" | "linger", Deadline>
  >;
  readonly #startedAt = now();
  #sentAt = this.#startedAt;
  #answeredAt: number | undefined;
  #bytes = 0;
  /** The first bytes from the server. */
  #opening: Buffer = Buffer.alloc(0);
  #running = true;
  #allWritten = false;
  /** Why the writer stopped early, while we still wait for responses to what it wrote. */
  #writerCause: Cause | null = null;
  /** Set after a signal, while we wait for responses to packages in flight. */
  #draining: Cause | null = null;
  #resolveEnd: (end: SessionEnd) => void = () => {};
  #stopListening = () => {};

  constructor(connection: Duplex, packages: PackageSource<P>, options: SessionOptions<P>) {
    this.#connection = connection;
    this.#options = options;
    this.#ledger = new Ledger(options.onSettled);
    this.#window = new Window(this.#ledger, options.limits.window);
    const flight = { ledger: this.#ledger, window: this.#window };
    this.#writer = new Writer(connection, packages, flight, {
      sending: options.observer?.sent,
      written: () => this.#deadlines.write.start(),
      taken: (bytes) => this.#onTaken(bytes),
    });
    const { idleMs, writeMs = idleMs, sessionMs, runMs, drainMs = 0 } = options.limits;
    const tooLong = () => (runMs === undefined ? sessionTooLong(sessionMs) : runTooLong(runMs));
    this.#deadlines = {
      idle: new Deadline(idleMs, () => this.#onExpired(noProgress(idleMs))),
      write: new Deadline(writeMs, () => this.#onExpired(noProgress(writeMs))),
      session: new Deadline(sessionMs, () => this.#finish(tooLong())),
      drain: new Deadline(drainMs, () => this.#finish(this.#draining)),
      linger: new Deadline(LINGER_MS.max, () => this.#finish(null)),
      laterResponses: new Deadline(LATER_RESPONSES_MS, () => this.#responsesMissing()),
    };
  }

  run(): Promise<SessionEnd> {
    const done = new Promise<SessionEnd>((resolve) => {
      this.#resolveEnd = resolve;
    });
    this.#listen();
    // The signal had been aborted before.
    if (!this.#running) return done;
    const written = this.#write();
    // The writer may still be reading a message, which its owner would close.
    return done.then((end) => written.then(() => end));
  }

  #listen(): void {
    const connection = this.#connection;
    connection.on("data", (chunk: Buffer) => this.#onData(chunk));
    connection.on("end", () => this.#onConnectionEnd(connectionClosed(this.#reader.begun)));
    connection.on("close", () => this.#onConnectionEnd(connectionClosed(this.#reader.begun)));
    connection.on("error", (error) => {
      // A server that has sent anything must have read something.
      const refused =
        error instanceof QmtpError && error.code === "connection-refused" && this.#opening.length === 0;
      this.#onConnectionEnd(refused ? connectionRefused(error) : connectionFailed(reason(error)));
    });
    this.#deadlines.idle.restart();
    this.#deadlines.session.restart();
    const { signal } = this.#options;
    if (signal !== undefined) this.#stopListening = onAbort(signal, () => this.#onInterrupt(signal));
  }

  /** Waits for packages in flight: they may have been accepted, and without their responses they would be sent again. */
  #onInterrupt(signal: AbortSignal): void {
    const cause = interrupted(signal);
    if (this.#ledger.packages === 0 || this.#options.limits.drainMs === undefined) {
      this.#finish(cause);
      return;
    }
    this.#draining = cause;
    if (!this.#allWritten) {
      this.#writer.takeNoMore();
      this.#writerCause = cause;
    }
    this.#deadlines.drain.start();
  }

  // Writing

  async #write(): Promise<void> {
    try {
      await this.#writer.run();
    } catch (error) {
      this.#giveUpMessage(error);
    }
    this.#allWritten = true;
    this.#finishIfAnswered();
  }

  /**
   * A message cannot be read. Closes our side before the package's final byte, so that the server discards the
   * package; earlier packages may still be answered.
   */
  #giveUpMessage(error: unknown): void {
    if (!this.#running) return;
    this.#writerCause = messageUnreadable(reason(error));
    this.#ledger.abandonUnfinished(this.#writerCause.texts.unsent, this.#writerCause.error);
    if (this.#ledger.packages > 0) this.#connection.end();
  }

  #onTaken(bytes: number): void {
    if (!this.#running) return;
    this.#bytes += bytes;
    this.#sentAt = now();
    this.#deadlines.idle.restart();
    if (this.#answeredAt !== undefined) this.#deadlines.linger.restart();
    if (this.#connection.writableLength === 0) this.#deadlines.write.stop();
    else this.#deadlines.write.restart();
    this.#options.onProgress?.(this.#bytes);
  }

  // Reading

  #onData(chunk: Buffer): void {
    if (!this.#running) return;
    if (this.#opening.length < OPENING_LENGTH) this.#keepOpening(chunk);
    this.#deadlines.idle.restart();
    this.#options.observer?.received(chunk);
    if (this.#answeredAt !== undefined) this.#deadlines.linger.restart();
    if (this.#violations.length > 0) return;
    this.#reader.push(chunk);
    try {
      this.#settleAll();
    } catch (error) {
      if (!(error instanceof ViolationError)) throw error;
      this.#onViolation(error);
    }
    if (this.#ledger.partlyAnswered) this.#deadlines.laterResponses.restart();
    else this.#deadlines.laterResponses.stop();
    this.#window.onSettled();
    this.#writer.wake();
    this.#finishIfAnswered();
  }

  #keepOpening(chunk: Buffer): void {
    const part = chunk.subarray(0, OPENING_LENGTH - this.#opening.length);
    this.#opening = Buffer.concat([this.#opening, part]);
  }

  #settleAll(): void {
    for (;;) {
      const offset = this.#reader.offset;
      const response = this.#reader.next();
      if (response === undefined) return;
      this.#ledger.settle(response, offset);
    }
  }

  #onViolation({ code, message, offset }: ViolationError): void {
    this.#violations.push({ code, message, offset });
    // After a violation, responses can no longer be matched to recipients.
    if (this.#answered) return;
    const noResponse =
      code === "bad-length" && this.#ledger.settled === 0 && this.#ledger.oldestAnswers === 0;
    this.#finish(protocolViolation(message, noResponse ? openingOf(this.#opening) : undefined));
  }

  #responsesMissing(): void {
    const cause = missingResponses(this.#ledger.oldestAnswers);
    const { message } = cause.error;
    this.#violations.push({ code: "missing-responses", message, offset: this.#reader.offset });
    this.#finish(cause);
  }

  // Ending

  get #answered(): boolean {
    return this.#allWritten && this.#ledger.packages === 0;
  }

  #finishIfAnswered(): void {
    if (!this.#answered || !this.#running) return;
    this.#answeredAt ??= now();
    // With a single package, there are no earlier responses that a surplus one could cast doubt on.
    if (this.#ledger.settled <= 1) {
      this.#finish(null);
      return;
    }
    this.#connection.end();
    const { min, max } = LINGER_MS;
    this.#deadlines.linger.start(Math.min(Math.max(this.#window.roundTripMs, min), max));
  }

  /** Once everything is answered, how the connection ends does not matter. */
  #onConnectionEnd(cause: Cause): void {
    this.#finish(this.#answered ? null : cause);
  }

  #onExpired(cause: Cause): void {
    if (this.#ledger.partlyAnswered) this.#responsesMissing();
    else this.#finish(this.#draining ?? cause);
  }

  /** The first cause wins. */
  #finish(found: Cause | null): void {
    if (!this.#running) return;
    this.#running = false;
    for (const deadline of Object.values(this.#deadlines)) deadline.stop();
    this.#stopListening();
    this.#writer.stop();
    const cause = this.#writerCause ?? found;
    const connection = this.#connection;
    if (cause === null && connection.writableLength === 0) connection.end(() => connection.destroy());
    else connection.destroy();
    if (found !== null) this.#ledger.abandon(found.texts, found.error);
    this.#resolveEnd({
      cause,
      violations: this.#violations,
      sendMs: this.#sentAt - this.#startedAt,
      responseMs: (this.#answeredAt ?? now()) - this.#sentAt,
    });
  }
}
