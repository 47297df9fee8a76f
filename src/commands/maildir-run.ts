import { type Conversed, converse } from "../client/converse.ts";
import type { Context } from "../context.ts";
import type { Problem } from "../errors.ts";
import type { MaildirPackage, MessageResult } from "../maildir/consequences.ts";
import { removeAbandoned } from "../maildir/listing.ts";
import { lockMaildir } from "../maildir/lock.ts";
import { deliverMaildir } from "../maildir/rounds.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { PackageSource } from "../protocol/package.ts";
import { EXIT } from "../report/exit-code.ts";
import { LinePrinter } from "../report/line-printer.ts";
import { MaildirSummary, maildirJson, maildirLine, unusableLine } from "../report/maildir.ts";
import { messagesDone, Progress } from "../report/progress.ts";
import { sanitise } from "../report/sanitise.ts";
import { isDecorated } from "../report/terminal.ts";
import { statusPaint, violationLine } from "../report/text.ts";
import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";
import { bounceMessages } from "./maildir-bounces.ts";
import type { MaildirOptions, MaildirRequest } from "./maildir-request.ts";
import { limitsOf, startTranscript, wantsProgress } from "./session-options.ts";

/**
 * A session takes no further messages after this part of its time: those on their way are answered before the
 * time is over, and need not be sent twice.
 */
const TAKING = 0.9;

/** One run over a maildir, and what it prints. */
export class MaildirRun {
  readonly #request: MaildirRequest;
  readonly #options: MaildirOptions;
  readonly #context: Context;
  readonly #summary = new MaildirSummary();
  readonly #printer: LinePrinter;
  readonly #startedAt = performance.now();
  #progress: Progress | undefined;
  /** Messages in the maildir when the run began. */
  #total: number | undefined;
  #server: Conversed["server"];
  #problem: Problem | null = null;
  #said = "";
  /** A server that broke the protocol may have answered for a message that it never had. */
  #mistrusted = false;

  constructor(request: MaildirRequest, options: MaildirOptions, context: Context) {
    this.#request = request;
    this.#options = options;
    this.#context = context;
    this.#printer = new LinePrinter(
      () => context.stdout,
      () => this.#progress?.clear(),
    );
    const endpoint = formatEndpoint(request.endpoints[0] as Endpoint);
    this.#server = { endpoint, address: null, port: null, tls: null };
  }

  /**
   * @returns the exit code
   * @throws {CommandError} maildir-locked, unlockable-maildir, unreadable-maildir
   */
  async run(): Promise<number> {
    const { maildir, startedAt } = this.#request;
    const lock = lockMaildir(maildir);
    this.#progress = this.#startProgress();
    try {
      removeAbandoned(maildir, startedAt);
      const lineOf = await this.#lines();
      const leftOver = await this.#deliver((result) => {
        this.#summary.add(result);
        this.#progress?.update();
        if (this.#options.quiet && result.delivery.status === "success" && result.outcome === "removed")
          return;
        this.#printer.print(lineOf(result));
      });
      this.#progress?.stop();
      const code = leftOver || this.#mistrusted ? EXIT.temporary : EXIT.success;
      await this.#conclude(code);
      return code;
    } finally {
      this.#progress?.stop();
      lock.release();
    }
  }

  #deliver(onResult: (result: MessageResult) => void): Promise<boolean> {
    const { maxTime } = this.#options;
    const { bounceServer: server, connector } = this.#request;
    const bounces = { server, connector, limits: limitsOf(this.#options) };
    return deliverMaildir({
      ...this.#request,
      sessionMs: maxTime * TAKING,
      converse: (packages, onSettled) => this.#converse(packages, onSettled),
      bounce: (messages, onReturned) => bounceMessages(messages, bounces, this.#context, onReturned),
      onResult,
      onUnusable: (file) => {
        this.#summary.unusable++;
        this.#say(unusableLine(file));
      },
      onRound: (files) => {
        this.#total ??= files;
      },
      signal: this.#context.interrupted,
    });
  }

  async #converse(
    packages: PackageSource<MaildirPackage>,
    onSettled: (pkg: MaildirPackage, deliveries: readonly Delivery[]) => void,
  ): Promise<string | undefined> {
    if (this.#problem !== null && !this.#options.quiet) {
      this.#say(`${this.#problem.message}; connecting again`);
    }
    const { problem, violations } = await converse(packages, {
      endpoints: this.#request.endpoints,
      connector: this.#request.connector,
      limits: limitsOf(this.#options),
      signal: this.#context.interrupted,
      watch: startTranscript(this.#options, this.#context),
      onConnected: (server) => {
        this.#server = server;
        this.#summary.sessions++;
      },
      onSettled,
    });
    for (const violation of violations) this.#say(violationLine(violation));
    if (violations.length > 0) this.#mistrusted = true;
    this.#problem = problem && { code: problem.code, fault: problem.fault, message: problem.message };
    return problem?.unsent;
  }

  /** What makes a line of a result. */
  async #lines(): Promise<(result: MessageResult) => string> {
    const { json, color } = this.#options;
    if (json) return (result) => maildirJson(result, this.#request.maildir, this.#server, this.#problem);
    const paint = await statusPaint(isDecorated(this.#context.stdout, this.#context.env, color));
    return (result) => maildirLine(result, paint);
  }

  #startProgress(): Progress | undefined {
    if (!wantsProgress(this.#options)) return undefined;
    const { stderr, env } = this.#context;
    const terminal = () => (isDecorated(stderr, env, true) ? stderr : undefined);
    return new Progress(terminal, (ms) => messagesDone(this.#summary.messages, this.#total ?? 0, ms));
  }

  async #conclude(code: number): Promise<void> {
    const { json, quiet } = this.#options;
    if (json) {
      const elapsedMs = performance.now() - this.#startedAt;
      this.#printer.print(this.#summary.json(this.#request.maildir, code, elapsedMs, this.#problem));
    }
    await this.#printer.end();
    const line = this.#summary.line();
    if (!json && line !== undefined && (code !== EXIT.success || !quiet)) this.#say(line);
  }

  /** On standard error; what was said just before need not be said again. */
  #say(line: string): void {
    if (line === this.#said) return;
    this.#said = line;
    this.#progress?.clear();
    this.#context.stderr.write(`${this.#context.name}: ${sanitise(line)}\n`);
  }
}
