import { type Heard, heardInWords } from "./heard.ts";
import { type Evidence, Undecided } from "./outcome.ts";
import { statusOf } from "./seen.ts";

export type Which = "to" | "refused";

/** A plain message that was sent. */
export interface Control {
  readonly heard: Heard;
  readonly mark: string;
  readonly bytes: Evidence;
  /** Whether the server closes the connection after the response. */
  readonly closes: Promise<boolean>;
}

/** How the server answers a plain message: the yardstick for its answers to unusual ones. Each is sent once in a run. */
export class Controls {
  readonly #send: (which: Which) => Promise<Control>;
  readonly #sent = new Map<Which, Promise<Control>>();
  #arrives: Promise<boolean> | undefined;
  /** Whether there has been a response. */
  hasServed = false;

  /** @param send sends the message, and waits for its response */
  constructor(send: (which: Which) => Promise<Control>) {
    this.#send = send;
  }

  /** What came for it. @throws {Undecided} without a connection */
  async heard(which: Which): Promise<Heard> {
    const { heard } = await this.#control(which);
    if (heard.responses.length > 0) this.hasServed = true;
    return heard;
  }

  /** The text by which it is found when it has arrived. @throws {Undecided} */
  async mark(): Promise<string> {
    return (await this.#control("to")).mark;
  }

  /** What was sent and received. @throws {Undecided} */
  async bytes(): Promise<Evidence> {
    return (await this.#control("to")).bytes;
  }

  /** Whether the server closes the connection after a plain message. @throws {Undecided} */
  async closes(): Promise<boolean> {
    return (await this.#control("to")).closes;
  }

  #control(which: Which): Promise<Control> {
    const known = this.#sent.get(which) ?? this.#send(which);
    this.#sent.set(which, known);
    return known;
  }

  /** @throws {Undecided} unless a plain message is answered at all */
  async answered(): Promise<void> {
    const heard = await this.heard("to");
    if (heard.responses.length > 0) return;
    throw new Undecided(`a plain message gets no answer: ${heardInWords(heard)}`);
  }

  /** The response to a plain message. @throws {Undecided} without one that has a status */
  async response(which: Which): Promise<Buffer> {
    const [content] = (await this.heard(which)).responses;
    if (content !== undefined && statusOf(content) !== undefined) return content;
    throw new Undecided("a plain message gets no answer");
  }

  /**
   * Whether the plain message arrives. All cases wait for it together.
   * @param look waits for it
   */
  arrives(look: () => Promise<boolean>): Promise<boolean> {
    this.#arrives ??= look();
    return this.#arrives;
  }
}
