import type { Context } from "../../cli/context.ts";
import type { SessionOfRun } from "../../client/sessions-contract.ts";
import { QmtpError } from "../../errors.ts";
import { now } from "../../io/clock.ts";
import { removeAbandoned } from "../../maildir/abandoned.ts";
import { LastReport } from "../../maildir/last-report.ts";
import { lockMaildir, type MaildirLock } from "../../maildir/lock.ts";
import type { MessageResult } from "../../maildir/outcomes.ts";
import { deliverMaildir } from "../../maildir/rounds.ts";
import { EXIT } from "../../report/exit-tables.ts";
import { LinePrinter } from "../../report/line-printer.ts";
import type { LogEntry } from "../../report/log/line.ts";
import type { DeliveryLog } from "../../report/log/log.ts";
import {
  MaildirSummary,
  maildirJson,
  maildirLine,
  maildirLogEntry,
  Unanswered,
  unusableLine,
} from "../../report/maildir.ts";
import { messagesDone, type Progress } from "../../report/progress.ts";
import { describe } from "../../report/remedies.ts";
import { violationLine } from "../../report/text.ts";
import type { Server } from "../../transport/connector.ts";
import { type Endpoint, formatEndpoint } from "../../transport/endpoint.ts";
import type { MaildirRequest } from "./read.ts";

/** One run over a maildir, and what it prints. */
export class MaildirRun {
  readonly #request: MaildirRequest;
  readonly #log: DeliveryLog | undefined;
  readonly #context: Context;
  readonly #summary = new MaildirSummary();
  /** With --quiet, messages that do not get their own line. */
  readonly #unanswered = new Unanswered();
  /** With --quiet, lines about violations, until it is known whether the last run reported the same. */
  readonly #violations = new Set<string>();
  readonly #printer: LinePrinter;
  readonly #startedAt = now();
  #progress: Progress | undefined;
  /** Messages in the maildir when the run began. */
  #total: number | undefined;
  #server: Server;
  /** When the last round began to connect. */
  #connectingAt = this.#startedAt;
  /** Sessions that are connected now. */
  readonly #connected = new Set<SessionOfRun>();
  /** When the first session was connected. */
  #firstConnectedAt = this.#startedAt;
  /** Why the last session ended before everything was answered. */
  #error: QmtpError | null = null;
  #lastSaid = "";
  /** Whether a server broke the protocol, so that its answers may not be for the messages they seem to be for. */
  #mistrusted = false;

  constructor(request: MaildirRequest, log: DeliveryLog | undefined, context: Context) {
    this.#request = request;
    this.#log = log;
    this.#context = context;
    this.#printer = new LinePrinter(() => context.stdout);
    const endpoint = formatEndpoint(request.route.endpoints[0] as Endpoint);
    this.#server = { endpoint, address: null, port: null, tls: null };
  }

  /**
   * @returns the exit code
   * @throws {QmtpError} maildir-locked (not with --quiet), unlockable-maildir, unreadable-maildir
   */
  async run(): Promise<number> {
    const { maildir, startedAt, output } = this.#request;
    const lock = this.#lock();
    if (lock === undefined) return EXIT.temporary;
    this.#progress = output.startProgress(() => this.#progressText());
    try {
      removeAbandoned(maildir, startedAt);
      const leftOver = await this.#deliver(await this.#lines());
      this.#progress?.stop();
      const code = leftOver || this.#mistrusted ? EXIT.temporary : EXIT.success;
      await this.#conclude(code, new LastReport(lock.fd));
      return code;
    } finally {
      this.#progress?.stop();
      lock.release();
    }
  }

  #progressText(): string {
    const [done, total] = [this.#summary.messages, this.#total ?? 0];
    if (this.#context.interrupted.aborted) {
      return `interrupted; waiting for responses; ${done} of ${total} messages`;
    }
    if (this.#connected.size > 0) return messagesDone(done, total, now() - this.#firstConnectedAt);
    return done === 0 ? "connecting" : `connecting; ${done} of ${total} messages`;
  }

  /** Undefined if another run has the lock and --quiet is given: under cron, that is not worth reporting. */
  #lock(): MaildirLock | undefined {
    try {
      return lockMaildir(this.#request.maildir);
    } catch (error) {
      const isOverlap = error instanceof QmtpError && error.code === "maildir-locked";
      if (isOverlap && this.#request.output.quiet) return undefined;
      throw error;
    }
  }

  #deliver(lineOf: (result: MessageResult) => string): Promise<boolean> {
    const { quiet, json } = this.#request.output;
    return deliverMaildir({
      ...this.#request,
      onResult: (result) => {
        this.#summary.add(result);
        if (this.#log !== undefined) this.#log.add(this.#logEntry(result));
        if (quiet && result.delivery.status === "success" && result.outcome === "removed") return;
        if (quiet && !json && this.#unanswered.add(result)) return;
        this.#printer.print(lineOf(result));
      },
      onUnusable: (file) => {
        this.#summary.unusable++;
        this.#say(unusableLine(file));
      },
      onRound: (files) => {
        this.#total ??= files;
      },
      onConnecting: () => {
        this.#connectingAt = now();
        if (!quiet) this.#sayConnectingAgain(this.#error);
      },
      onReplacing: ({ cause }) => {
        if (!quiet) this.#sayConnectingAgain(cause?.error ?? null);
      },
      onConnected: (server, session) => {
        this.#server = server;
        this.#connected.add(session);
        if (this.#summary.sessions++ === 0) this.#firstConnectedAt = now();
      },
      onSessionEnd: ({ violations }, session) => {
        this.#connected.delete(session);
        for (const violation of violations) {
          if (quiet && !json) this.#violations.add(violationLine(violation));
          else this.#say(violationLine(violation));
        }
        if (violations.length > 0) this.#mistrusted = true;
      },
      onRoundEnd: (error) => {
        this.#error = error;
      },
      onStopped: (notSent, error) => {
        this.#summary.notSent = notSent;
        this.#error = error;
      },
    });
  }

  #logEntry(result: MessageResult): LogEntry {
    return {
      ...maildirLogEntry(result, this.#request.maildir),
      server: (result.session?.server ?? this.#server).endpoint,
      elapsedMs: now() - (result.session?.startedAt ?? this.#connectingAt),
    };
  }

  /** The function that turns a result into a line. */
  async #lines(): Promise<(result: MessageResult) => string> {
    const { output, maildir } = this.#request;
    if (output.json) return (result) => maildirJson(result, maildir, this.#server);
    const paint = await output.paint();
    return (result) => maildirLine(result, paint);
  }

  async #conclude(code: number, lastReport: LastReport): Promise<void> {
    const { json, quiet } = this.#request.output;
    if (json) {
      const elapsedMs = now() - this.#startedAt;
      this.#printer.print(this.#summary.json(this.#request.maildir, code, elapsedMs, this.#error));
    }
    await this.#printer.end();
    if (json) return;
    const { messages, unusable, notSent } = this.#summary;
    const { count } = this.#unanswered;
    const nothingElse = count > 0 && count === messages && unusable + notSent === 0;
    if (!nothingElse) lastReport.forget();
    else if (!this.#context.stderr.isTTY && lastReport.isOld(this.#problem())) return;
    for (const line of this.#violations) this.#say(line);
    for (const line of this.#unanswered.lines()) this.#say(line);
    if (code === EXIT.success && quiet) return;
    const duplicates = this.#summary.duplicatesLine();
    if (duplicates !== undefined) this.#say(duplicates);
    const line = this.#summary.line(this.#error);
    if (!nothingElse && line !== undefined) this.#say(line);
  }

  /** What went wrong, without what changes from run to run. */
  #problem(): string {
    return [this.#unanswered.reasons, ...this.#violations].join("\n");
  }

  /** @param error why a session ended early, or null */
  #sayConnectingAgain(error: QmtpError | null): void {
    if (error !== null) this.#say(`${describe(error)}; connecting again`);
  }

  /** Prints a line on standard error, unless the last one was the same. */
  #say(line: string): void {
    if (line === this.#lastSaid) return;
    this.#lastSaid = line;
    this.#context.say(line);
  }
}
