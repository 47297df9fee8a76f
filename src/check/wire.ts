import type { Duplex } from "node:stream";
import { now } from "../io/clock.ts";
import { Cursor } from "../protocol/cursor.ts";
import { NetstringReader } from "../protocol/netstring.ts";
import { ViolationError } from "../protocol/violation.ts";
import type { Heard } from "./heard.ts";
import type { Evidence } from "./outcome.ts";
import type { Broken } from "./seen.ts";
import { timer } from "./timer.ts";

/** Bytes of the longest response that is read. */
const MAX_RESPONSE = 65_536;
/** Bytes sent and received that are kept as evidence. */
const MAX_KEPT = 4_096;
/** Bytes of a piece when a lot is written. */
const PIECE = 65_536;

export interface WireEvents {
  readonly onSent: (bytes: Buffer) => void;
  readonly onReceived: (bytes: Buffer) => void;
  readonly onResponse: (content: Buffer) => void;
  readonly onBroken: (broken: Broken) => void;
  /** These bytes complete packages that may be delivered. @throws if that exceeds what was announced */
  readonly onMessages: (count: number) => void;
}

/** A connection of a case: it sends any bytes, and looks at what comes, and when. */
export class Wire {
  readonly #connection: Duplex;
  readonly #events: WireEvents;
  readonly #timeoutMs: number;
  readonly #cursor = new Cursor();
  readonly #netstring = new NetstringReader("response", MAX_RESPONSE);
  readonly #responses: Buffer[] = [];
  #bytes = 0;
  readonly #openedAt = now();
  #lastAt = this.#openedAt;
  #end: "closed" | "broken" | undefined;
  /** Called when something has come. */
  #wake = () => {};
  /** Called when the connection is closed: a write may then never call back. */
  #closed = () => {};
  #sent: Buffer = Buffer.alloc(0);
  #received: Buffer = Buffer.alloc(0);

  /** @param timeoutMs how long to wait for what the protocol demands */
  constructor(connection: Duplex, timeoutMs: number, events: WireEvents) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#events = events;
    connection.on("data", (chunk: Buffer) => this.#take(chunk));
    for (const event of ["end", "error"]) connection.on(event, () => this.#ended("closed"));
    connection.on("close", () => {
      this.#ended("closed");
      this.#closed();
    });
  }

  /** The first bytes sent and received. */
  get evidence(): Evidence {
    return { sent: this.#sent, received: this.#received };
  }

  /**
   * Sends bytes that complete no package which could be delivered.
   * @returns how that ended: the connection has taken them, or has closed, or did not take them in time
   */
  async send(bytes: Buffer, ms = this.#timeoutMs): Promise<"sent" | "closed" | "time"> {
    this.#sent = kept(this.#sent, bytes);
    this.#events.onSent(bytes);
    const expired = timer(ms);
    try {
      for (let at = 0; at < bytes.length; at += PIECE) {
        const written = this.#write(bytes.subarray(at, at + PIECE));
        const how = await Promise.race([written, expired.promise]);
        if (how !== "sent") return how;
      }
      return "sent";
    } finally {
      expired.stop();
    }
  }

  /** Sends bytes that complete packages, which may deliver this many messages. */
  post(bytes: Buffer, messages: number): Promise<"sent" | "closed" | "time"> {
    this.#events.onMessages(messages);
    return this.send(bytes);
  }

  /** Waits until this many responses have come, from the start of the connection. */
  hear(count: number, ms = this.#timeoutMs): Promise<Heard> {
    return this.#until(() => this.#responses.length >= count, ms);
  }

  /** Waits until anything comes, or the connection is closed. */
  anything(ms: number): Promise<Heard> {
    const before = this.#bytes;
    return this.#until(() => this.#bytes > before, ms);
  }

  /** Reads nothing until `listen`. */
  ignore(): void {
    this.#connection.pause();
  }

  listen(): void {
    this.#connection.resume();
  }

  /** Closes our side; the server can still answer. */
  half(): void {
    this.#connection.end();
  }

  /** Closes the connection at once. */
  close(): void {
    this.#connection.destroy();
  }

  async #until(isEnough: () => boolean, ms: number): Promise<Heard> {
    const startedAt = now();
    const expired = timer(ms);
    let end: Heard["end"] | undefined;
    for (;;) {
      if (isEnough()) end = "enough";
      end ??= this.#end;
      if (end !== undefined) break;
      const woken = new Promise<"woken">((resolve) => {
        this.#wake = () => resolve("woken");
      });
      if ((await Promise.race([woken, expired.promise])) === "time") end = "time";
    }
    expired.stop();
    return {
      responses: [...this.#responses],
      bytes: this.#bytes,
      end,
      waitedMs: ms,
      quietMs: now() - Math.max(startedAt, this.#lastAt),
      paceMs: (this.#lastAt - this.#openedAt) / this.#responses.length,
    };
  }

  #write(bytes: Buffer): Promise<"sent" | "closed"> {
    if (!this.#connection.writable) return Promise.resolve("closed");
    return new Promise((resolve) => {
      this.#closed = () => resolve("closed");
      this.#connection.write(bytes, (error) => resolve(error ? "closed" : "sent"));
    });
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
    this.#lastAt = now();
    this.#received = kept(this.#received, chunk);
    this.#events.onReceived(chunk);
    if (this.#end !== "broken") this.#read(chunk);
    this.#wake();
  }

  #read(chunk: Buffer): void {
    this.#cursor.push(chunk);
    try {
      for (;;) {
        const content = this.#netstring.read(this.#cursor);
        if (content === undefined) return;
        // The chunk's memory is the connection's.
        const copy = Buffer.from(content);
        this.#responses.push(copy);
        this.#events.onResponse(copy);
      }
    } catch (error) {
      if (!(error instanceof ViolationError)) throw error;
      this.#events.onBroken({ message: error.message, bytes: this.#received });
      this.#ended("broken");
    }
  }

  #ended(how: "closed" | "broken"): void {
    this.#end ??= how;
    this.#wake();
  }
}

function kept(before: Buffer, bytes: Buffer): Buffer {
  if (before.length >= MAX_KEPT) return before;
  return Buffer.concat([before, bytes.subarray(0, MAX_KEPT - before.length)]);
}
