import type { Duplex } from "node:stream";
import { Cursor } from "../protocol/cursor.ts";
import { NetstringReader } from "../protocol/netstring.ts";
import { ViolationError } from "../protocol/violation.ts";
import { type Broken, inWords } from "./seen.ts";

/** Bytes of the longest response that is read. */
const MAX_RESPONSE = 65_536;
/** Bytes sent and received that are kept as evidence. */
const MAX_KEPT = 4_096;
/** Bytes of a piece when a lot is written. */
const PIECE = 65_536;
/** How often to read what can be read before time counts as over. */
const TURNS = 3;

/** What was received on a connection until it was enough, or no more could come. */
export interface Heard {
  /** Of all responses so far, without length and comma. */
  readonly responses: readonly Buffer[];
  /** Bytes received so far. */
  readonly bytes: number;
  /** `closed`: also by a reset. `broken`: what came is not a response. */
  readonly end: "enough" | "time" | "closed" | "broken";
  /** Milliseconds that were waited at most. */
  readonly waitedMs: number;
}

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
  get evidence(): { readonly sent: Buffer; readonly received: Buffer } {
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
  async hear(count: number, ms = this.#timeoutMs): Promise<Heard> {
    const expired = timer(ms);
    let end: Heard["end"] | undefined;
    for (;;) {
      if (this.#responses.length >= count) end = "enough";
      end ??= this.#end;
      if (end !== undefined) break;
      const woken = new Promise<"woken">((resolve) => {
        this.#wake = () => resolve("woken");
      });
      if ((await Promise.race([woken, expired.promise])) === "time") end = "time";
    }
    expired.stop();
    return { responses: [...this.#responses], bytes: this.#bytes, end, waitedMs: ms };
  }

  /** Waits until anything comes, or the connection is closed. */
  async anything(ms: number): Promise<Heard> {
    const before = this.#bytes;
    const expired = timer(ms);
    let end: Heard["end"] | undefined;
    while (this.#end === undefined && this.#bytes === before && end === undefined) {
      const woken = new Promise<"woken">((resolve) => {
        this.#wake = () => resolve("woken");
      });
      if ((await Promise.race([woken, expired.promise])) === "time") end = "time";
    }
    expired.stop();
    return {
      responses: [...this.#responses],
      bytes: this.#bytes,
      end: end ?? this.#end ?? "enough",
      waitedMs: ms,
    };
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

  #write(bytes: Buffer): Promise<"sent" | "closed"> {
    if (!this.#connection.writable) return Promise.resolve("closed");
    return new Promise((resolve) => {
      this.#closed = () => resolve("closed");
      this.#connection.write(bytes, (error) => resolve(error ? "closed" : "sent"));
    });
  }

  #take(chunk: Buffer): void {
    this.#bytes += chunk.length;
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

/** What was received, in words. */
export function heardInWords({ responses, bytes, end, waitedMs }: Heard): string {
  const what = responses.length === 0 ? "" : responsesInWords(responses);
  switch (end) {
    case "enough":
      return what || `${bytes} bytes`;
    case "time":
      return `${what ? `${what}, then nothing` : "nothing"} for ${waitedMs / 1_000} s`;
    case "closed":
      return `${what ? `${what}, then ` : ""}the connection was closed`;
    case "broken":
      return `${what ? `${what}, then ` : ""}bytes that are not a response`;
  }
}

/** Not more than one of them is quoted. */
function responsesInWords(responses: readonly Buffer[]): string {
  const [first] = responses;
  if (first !== undefined && responses.length === 1) return `1 response (${inWords(first)})`;
  return `${responses.length} responses`;
}

function kept(before: Buffer, bytes: Buffer): Buffer {
  if (before.length >= MAX_KEPT) return before;
  return Buffer.concat([before, bytes.subarray(0, MAX_KEPT - before.length)]);
}

/**
 * Node runs timers before it reads: if this process could not run for a while, what came in time is still unread when
 * the timer expires. So it gets a chance to be read.
 */
function timer(ms: number): { readonly promise: Promise<"time">; stop(): void } {
  let handle: NodeJS.Timeout | undefined;
  const promise = new Promise<"time">((resolve) => {
    handle = setTimeout(() => afterReading(TURNS, () => resolve("time")), ms);
  });
  return { promise, stop: () => clearTimeout(handle) };
}

/** Calls back after the event loop has read what can be read, this many times. */
function afterReading(turns: number, then: () => void): void {
  setImmediate(() => (turns > 1 ? afterReading(turns - 1, then) : then()));
}
