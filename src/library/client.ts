import { EventEmitter } from "node:events";
import { KeptSession } from "../client/kept-session.ts";
import { type Attempt, withRetries } from "../client/retry.ts";
import type { Route, Trace } from "../client/route.ts";
import { QmtpError, usageError } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import type { OpenMessage } from "../message/open.ts";
import { type Delivery as CoreDelivery, deferralFor } from "../protocol/delivery.ts";
import type { Package } from "../protocol/package.ts";
import type { Violation } from "../protocol/violation.ts";
import { causeOf } from "../session/cause.ts";
import type { Server } from "../transport/connector.ts";
import { abortableMessage } from "./abortable.ts";
import { type Delivery, toDelivery } from "./delivery.ts";
import { envelopeOf, type Mail } from "./mail.ts";
import { openInput } from "./message.ts";
import { type ClientOptions, readOptions, type Settings } from "./options.ts";

/** What can be observed; add listeners before sending. */
export interface ClientEvents {
  /** There is a connection. */
  connected: [server: Server];
  /** A connection has ended, or none could be made; the error says why, unless everything was answered. */
  disconnected: [error: QmtpError | null];
  /** Bytes are about to be sent. */
  sent: [part: "head" | "body" | "tail", bytes: Buffer];
  /** Bytes were received. */
  received: [bytes: Buffer];
  /** What is being tried, and what came of it, in words. */
  note: [text: string];
  /** The server broke the protocol. */
  violation: [violation: Violation];
}

/**
 * A client of a QMTP server. It connects when there is something to send, pipelines what is sent while other messages
 * are on their way, keeps the connection for a while, and connects again after a failure.
 *
 * @example
 * ```ts
 * import { QmtpClient } from "qmtp";
 *
 * await using client = new QmtpClient({ server: "mx.example.org" });
 * const deliveries = await client.send({
 *   sender: "joe@example.org",
 *   recipients: ["ann@example.org", "bob@example.org"],
 *   message: "Subject: hello\n\nThis goes over QMTP.\n",
 * });
 * for (const { recipient, status, text } of deliveries) console.log(`${recipient}: ${status}: ${text}`);
 * ```
 */
export class QmtpClient extends EventEmitter<ClientEvents> {
  readonly #settings: Settings;
  readonly #session: KeptSession;
  #closed = false;
  /** Messages that have no deliveries yet. */
  #pending = new Set<Promise<unknown>>();

  /** @throws {QmtpError} usage, for a wrong option; unreadable-configuration, for a TLS file */
  constructor(options: ClientOptions) {
    super();
    this.#settings = readOptions(options, (line) => this.#tell("note", line));
    const { keepMs } = this.#settings;
    this.#session = new KeptSession(() => this.#route(), {
      keepMs,
      onConnected: (server) => this.#tell("connected", server),
      onEnded: ({ cause, violations }) => {
        for (const violation of violations) this.#tell("violation", violation);
        this.#tell("disconnected", cause?.error ?? null);
      },
    });
  }

  /** Whether no message waits for deliveries. */
  get idle(): boolean {
    return this.#pending.size === 0;
  }

  /**
   * Sends a message.
   * @returns a delivery for each recipient, in order, whatever the server or the network does
   * @throws {QmtpError} usage, for a wrong argument or a closed client; unreadable-input or unwritable-spool, if the
   *   message cannot be read or stored
   */
  async send(mail: Mail): Promise<Delivery[]> {
    if (this.#closed) throw usageError("the client is closed");
    const sending = this.#send(mail);
    this.#pending.add(sending);
    try {
      return (await sending).map(toDelivery);
    } finally {
      this.#pending.delete(sending);
    }
  }

  /**
   * Connects, does the TLS handshake, and closes the connection again.
   * @throws {QmtpError} connect-failed, connect-timeout, tls-failed, tls-untrusted
   */
  async verify(): Promise<Server> {
    const { endpoints, connector } = this.#settings;
    const { connection, server } = await connector.open(endpoints, neverAborted(), this.#observer?.note);
    connection.end(() => connection.destroy());
    return server;
  }

  /** Waits for the deliveries of everything sent, and closes the connection. The client cannot be used again. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#pending);
    await this.#session.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(mail: Mail): Promise<readonly CoreDelivery[]> {
    const { sender, recipients } = envelopeOf(mail);
    const { message, encoding = "unix", raw = false, signal = neverAborted() } = mail;
    if (typeof signal?.addEventListener !== "function") throw usageError("signal is an AbortSignal");
    if (encoding !== "unix" && encoding !== "dos") throw usageError("encoding is 'unix' or 'dos'");
    const { temporaryDirectory, policy } = this.#settings;
    let open: OpenMessage;
    try {
      open = await openInput(message, { encoding, raw, temporaryDirectory, signal });
    } catch (error) {
      if (signal.aborted) return aborted(recipients, false);
      throw error;
    }
    // Even after an abort, a package may be read for a moment.
    const reading: Promise<unknown>[] = [];
    try {
      const attempt = (some: readonly Buffer[]) =>
        this.#attempt({ sender, recipients: some, message: open.message }, signal, reading);
      const sent = await withRetries(recipients, attempt, { signal, observer: this.#observer }, policy);
      return sent.deliveries;
    } finally {
      void Promise.allSettled(reading).then(() => open.close());
    }
  }

  async #attempt(pkg: Package, signal: AbortSignal, reading: Promise<unknown>[]): Promise<Attempt> {
    const packages = this.#settings.split
      ? pkg.recipients.map((recipient) => ({ ...pkg, recipients: [recipient] }))
      : [pkg];
    const deliveries = await Promise.all(packages.map((one) => this.#sendPackage(one, signal, reading)));
    const all = deliveries.flat();
    const error = all.find((delivery) => delivery.error instanceof QmtpError)?.error as QmtpError | undefined;
    return { deliveries: all, violations: [], cause: error === undefined ? null : causeOf(error) };
  }

  #sendPackage(pkg: Package, signal: AbortSignal, reading: Promise<unknown>[]) {
    const { message, isRead } = abortableMessage(pkg.message, signal);
    const abortable = { ...pkg, message };
    const sent = this.#session.send(abortable);
    reading.push(sent);
    return new Promise<readonly CoreDelivery[]>((resolve, reject) => {
      const stopListening = onAbort(signal, () => {
        const withdrawn = this.#session.withdraw(abortable);
        resolve(aborted(pkg.recipients, !withdrawn && isRead()));
      });
      sent.then(resolve, reject).finally(stopListening);
    });
  }

  /** Bytes are passed on only if there are listeners: it costs time. */
  get #observer(): Trace | undefined {
    const events = ["sent", "received", "note"] as const;
    if (events.every((event) => this.listenerCount(event) === 0)) return undefined;
    return {
      sent: (part, bytes) => this.#tell("sent", part, bytes),
      received: (bytes) => this.#tell("received", bytes),
      note: (text) => this.#tell("note", text),
    };
  }

  /** What a listener throws is thrown outside the session, which must go on: others wait for their deliveries. */
  #tell<E extends keyof ClientEvents>(event: E, ...values: ClientEvents[E]): void {
    try {
      (this as EventEmitter).emit(event, ...values);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #route(): Omit<Route, "signal"> {
    const { endpoints, connector, limits } = this.#settings;
    return { endpoints, connector, limits, observer: this.#observer };
  }
}

function neverAborted(): AbortSignal {
  return new AbortController().signal;
}

function aborted(recipients: readonly Buffer[], possibleDuplicate: boolean): CoreDelivery[] {
  const error = new QmtpError("interrupted", "the sending was aborted");
  const remark = possibleDuplicate ? " (the message may have been delivered)" : "";
  const text = Buffer.from(error.message + remark);
  return recipients.map((recipient) => deferralFor(recipient, text, error, possibleDuplicate));
}
