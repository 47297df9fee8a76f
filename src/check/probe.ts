import type { Duplex } from "node:stream";
import type { Trace } from "../client/route.ts";
import { pause } from "../io/pause.ts";
import type { Connector } from "../transport/connector.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import type { TlsSettings } from "../transport/tls-settings.ts";
import type { Controls } from "./control.ts";
import { type Inbox, MARK_DOMAIN } from "./inbox.ts";
import { type Evidence, Undecided } from "./outcome.ts";
import { inWords, type Seen, statusOf } from "./seen.ts";
import { Wire } from "./wire.ts";
import { messageIn, wireBytes } from "./wire-package.ts";

/** The subject of a run. */
export interface Subject {
  readonly endpoint: Endpoint;
  readonly connector: Pick<Connector, "open">;
  readonly signal: AbortSignal;
  readonly observer?: Trace | undefined;
  readonly sender: Buffer;
  /** Takes messages. */
  readonly to: Buffer | undefined;
  /** Is refused. */
  readonly refused: Buffer | undefined;
  /** The maildir in which messages arrive. */
  readonly inbox: Inbox | undefined;
  readonly tls: TlsSettings | undefined;
  /** Milliseconds to wait for something that should not come. */
  readonly waitMs: number;
  /** Milliseconds to wait for something that should. */
  readonly timeoutMs: number;
}

/** What a case hands over to the run. */
export interface ProbeEvents {
  readonly onSeen: (seen: Seen) => void;
  /** @throws if that is more than was announced */
  readonly onMessages: (count: number) => void;
  readonly onConnect: (connected: boolean) => void;
}

/** A recipient that no server can deliver to (RFC 2606), for packages that are never completed. */
const NOWHERE = Buffer.from(`never-completed@${MARK_DOMAIN}`);

/** What a case works with: connections to the server, packages that name the case, and what is known about it. */
export class Probe {
  readonly subject: Subject;
  readonly controls: Controls;
  readonly #caseId: string;
  readonly #events: ProbeEvents;
  readonly #wires: Wire[] = [];
  #recipients: readonly Buffer[] = [];

  constructor(caseId: string, subject: Subject, controls: Controls, events: ProbeEvents) {
    this.#caseId = caseId;
    this.subject = subject;
    this.controls = controls;
    this.#events = events;
  }

  /** @throws {Undecided} without one, which cases that need it never see */
  get to(): Buffer {
    return this.subject.to ?? absent();
  }

  get refused(): Buffer {
    return this.subject.refused ?? absent();
  }

  /**
   * A connection of its own.
   * @param endpoint if it is to be another; what comes from there need not be responses
   * @throws {Undecided} if there is none
   */
  async open(endpoint?: Endpoint): Promise<Wire> {
    const connection = await this.connect(endpoint ?? this.subject.endpoint);
    const { observer, timeoutMs } = this.subject;
    const { onMessages } = this.#events;
    const onSeen = endpoint === undefined ? this.#events.onSeen : () => {};
    const caseId = this.#caseId;
    const wire = new Wire(connection, timeoutMs, {
      onSent: (bytes) => observer?.sent("tail", bytes),
      onReceived: (bytes) => observer?.received(bytes),
      onResponse: (content) => onSeen({ caseId, recipients: this.#recipients, content }),
      onBroken: (broken) => onSeen({ caseId, recipients: this.#recipients, content: undefined, broken }),
      onMessages,
    });
    this.#wires.push(wire);
    return wire;
  }

  /** The connection itself. @throws {Undecided} */
  async connect(endpoint: Endpoint): Promise<Duplex> {
    const { connector, signal, observer } = this.subject;
    try {
      const { connection } = await connector.open([endpoint], signal, observer?.note);
      this.#events.onConnect(true);
      return connection;
    } catch (error) {
      this.#events.onConnect(false);
      throw new Undecided(`no connection: ${error instanceof Error ? error.message : error}`);
    }
  }

  /** A message that says which case it belongs to, and a text by which it is found when it has arrived. */
  message(body = "This message was sent by qmtp check.\n", before = ""): { text: Buffer; mark: string } {
    const mark = `<${crypto.randomUUID()}@${MARK_DOMAIN}>`;
    const header = [
      `Subject: qmtp check ${this.#caseId}`,
      `Message-ID: ${mark}`,
      `Date: ${new Date().toUTCString().replace("GMT", "+0000")}`,
      `From: qmtp check <check@${MARK_DOMAIN}>`,
    ];
    return { text: Buffer.from(`${before}${header.join("\n")}\n\n${body}`, "latin1"), mark };
  }

  /** A whole package. */
  package(recipients: readonly Buffer[], text = this.message().text, sender = this.subject.sender): Buffer {
    this.#recipients = recipients;
    return wireBytes({ message: messageIn("unix", text), sender, recipients });
  }

  /** A package to a recipient that does not exist, without its last byte, which is never sent. */
  incomplete(): Buffer {
    return this.package([NOWHERE], this.message("This package is never completed.\n").text).subarray(0, -1);
  }

  /** Waits until a message has arrived. The server may store it only when the connection has ended. */
  async arrived(mark: string, ms = this.subject.timeoutMs): Promise<Buffer | undefined> {
    const { inbox, signal } = this.subject;
    return (inbox ?? absent()).find(mark, ms, signal);
  }

  /** Waits without expecting anything. */
  pause(ms: number): Promise<void> {
    return pause(ms, this.subject.signal);
  }

  /** @throws {Undecided} unless a plain message to the recipient is a success, in another connection */
  async accepting(): Promise<void> {
    const content = await this.controls.response("to");
    if (statusOf(content) === "success") return;
    throw new Undecided(`a plain message to ${this.to} gets ${inWords(content)}`);
  }

  /** @throws {Undecided} unless a plain message to the recipient arrives in the inbox */
  async delivering(): Promise<void> {
    await this.accepting();
    const mark = await this.controls.mark();
    const arrives = await this.controls.arrives(async () => (await this.arrived(mark)) !== undefined);
    if (!arrives) throw new Undecided("a plain message does not arrive in the inbox");
  }

  /** @throws {Undecided} unless a plain message to that recipient is refused, in another connection */
  async refusing(): Promise<void> {
    const content = await this.controls.response("refused");
    // A deferral may be a success the next time, as with greylisting.
    if (statusOf(content) === "failure") return;
    throw new Undecided(`${this.refused} is not refused: it gets ${inWords(content)}`);
  }

  /** The recipient that is refused, if there is one and it is; or else the one that takes messages. @throws {Undecided} */
  async another(): Promise<Buffer> {
    const { refused } = this.subject;
    if (refused === undefined) return this.to;
    const isRefused = statusOf(await this.controls.response("refused")) === "failure";
    return isRefused ? refused : this.to;
  }

  /** The first bytes sent and received, on all its connections. */
  evidence(): Evidence {
    const all = this.#wires.map((wire) => wire.evidence);
    return {
      sent: Buffer.concat(all.map(({ sent }) => sent)),
      received: Buffer.concat(all.map(({ received }) => received)),
    };
  }

  /** Ends all its connections. */
  close(): void {
    for (const wire of this.#wires) wire.close();
  }
}

function absent(): never {
  throw new TypeError("a case uses what it does not name in its needs");
}
