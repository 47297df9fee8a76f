import type { Readable } from "node:stream";
import { version } from "../../package.json";
import { QmtpClient } from "./client.ts";
import type { Delivery } from "./delivery.ts";
import type { ClientOptions } from "./options.ts";

/** What nodemailer hands over, as far as it is used here: versions 7 to 10 have it. */
export interface NodemailerMail {
  /** The composed message. */
  readonly message: {
    getEnvelope(): { readonly from: string | false; readonly to: readonly string[] };
    messageId(): string;
    createReadStream(): Readable;
  };
  /** What `sendMail` was called with. */
  readonly data: { readonly signal?: AbortSignal | undefined };
}

/** What `sendMail` resolves with, in nodemailer's terms. */
export interface SentMessageInfo {
  /** The envelope as it was sent. */
  readonly envelope: { from: string | false; to: string[] };
  /** The Message-ID field. */
  readonly messageId: string;
  /** Recipients with a success. */
  accepted: string[];
  /** Recipients with a failure. */
  rejected: string[];
  /** Recipients with a deferral: send to them again later. */
  pending: string[];
  /** The server's text for the last recipient. */
  response: string;
  /** The result for each recipient, in order. */
  readonly deliveries: readonly Delivery[];
}

/** What `sendMail` rejects with if no recipient was accepted. */
export interface NotAcceptedError extends Error {
  /**
   * EENVELOPE if the server refused or deferred all; else ECONNECTION, EDNS, ETLS, ETIMEDOUT, EPROTOCOL, ESTREAM (the
   * message could not be read to its end) or EABORT.
   */
  readonly code: string;
  /** The text for the last recipient, of the server or, if it sent no response, of the client. */
  readonly response: string;
  /** Recipients with a failure. */
  readonly rejected: readonly string[];
  /** Recipients with a deferral: send to them again later. */
  readonly pending: readonly string[];
  /** The result for each recipient, in order. */
  readonly deliveries: readonly Delivery[];
}

type Callback<T> = (error: Error | null, result?: T) => void;

/**
 * A transport for nodemailer.
 *
 * @example
 * ```ts
 * import nodemailer from "nodemailer";
 * import { QmtpTransport } from "qmtp/nodemailer";
 *
 * const transporter = nodemailer.createTransport(new QmtpTransport({ server: "qmtps://mx.example.org" }));
 * const info = await transporter.sendMail({
 *   from: "joe@example.org",
 *   to: "ann@example.org",
 *   subject: "hello",
 *   text: "This goes over QMTP.",
 * });
 * console.log(info.accepted, info.rejected, info.pending);
 * transporter.close();
 * ```
 */
export class QmtpTransport {
  readonly name = "QMTP";
  readonly version = version;
  /** Tells nodemailer that `send` heeds `signal`. */
  readonly supportsAbortSignal = true;
  readonly #client: QmtpClient;

  /** @throws {QmtpError} as QmtpClient's constructor does */
  constructor(options: ClientOptions) {
    this.#client = new QmtpClient(options);
  }

  /** Called by nodemailer. */
  send(mail: NodemailerMail, callback: Callback<SentMessageInfo>): void {
    this.#send(mail).then((info) => callback(null, info), callback);
  }

  /** Connects, and closes the connection again. */
  verify(callback: Callback<true>): void;
  verify(): Promise<true>;
  verify(callback?: Callback<true>): Promise<true> | undefined {
    const verified = this.#client.verify().then(() => true as const);
    if (callback === undefined) return verified;
    verified.then(() => callback(null, true), callback);
    return undefined;
  }

  /** Sends what was handed over, and closes the connection. */
  close(): void {
    void this.#client.close();
  }

  /** Whether no message waits for its deliveries. */
  isIdle(): boolean {
    return this.#client.idle;
  }

  async #send({ message, data }: NodemailerMail): Promise<SentMessageInfo> {
    const { from, to } = message.getEnvelope();
    const { signal } = data;
    const deliveries = await this.#client.send({
      sender: from || "",
      recipients: to,
      message: message.createReadStream(),
      signal,
    });
    const withStatus = (status: Delivery["status"]) =>
      deliveries.filter((delivery) => delivery.status === status).map(({ recipient }) => recipient);
    const info = {
      envelope: { from, to: [...to] },
      messageId: message.messageId(),
      accepted: withStatus("success"),
      rejected: withStatus("failure"),
      pending: withStatus("deferral"),
      response: deliveries.at(-1)?.text ?? "",
      deliveries,
    };
    if (info.accepted.length === 0) throw notAccepted(info, signal);
    return info;
  }
}

/** nodemailer's codes for what keeps a message from any server. */
const CODES: Readonly<Record<string, string>> = {
  "connect-failed": "ECONNECTION",
  "connection-closed": "ECONNECTION",
  "connection-failed": "ECONNECTION",
  "connection-refused": "ECONNECTION",
  "dns-failed": "EDNS",
  "no-exchanger": "EDNS",
  "connect-timeout": "ETIMEDOUT",
  "no-progress": "ETIMEDOUT",
  "session-too-long": "ETIMEDOUT",
  "tls-failed": "ETLS",
  "tls-untrusted": "ETLS",
  "missing-responses": "EPROTOCOL",
  "protocol-violation": "EPROTOCOL",
};

function notAccepted(info: SentMessageInfo, signal: AbortSignal | undefined): NotAcceptedError {
  const { response, rejected, pending, deliveries } = info;
  const own = deliveries.find(({ origin }) => origin === "client")?.code ?? null;
  const aborted = own === "interrupted" && signal?.aborted;
  const message = deliveries.length > 1 ? `no recipient was accepted: ${response}` : response;
  const error = new Error(message, aborted ? { cause: signal.reason } : {});
  const code = aborted ? "EABORT" : own === null ? "EENVELOPE" : (CODES[own] ?? "ESTREAM");
  if (aborted) error.name = "AbortError";
  return Object.assign(error, { code, response, rejected, pending, deliveries });
}
