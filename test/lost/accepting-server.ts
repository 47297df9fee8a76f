import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { recipientOf, SENDER, textOf } from "./many-messages.ts";
import { PackageParser, type ParsedPackage } from "./packages.ts";

/** A moment within a session. */
export type Point =
  /** This many bytes have arrived. */
  | { readonly kind: "bytes"; readonly at: number }
  /** This many messages are accepted; the last is answered too, or not yet. */
  | { readonly kind: "accepted"; readonly at: number; readonly answered: boolean };

const ANSWER = "3:Kok,";

/** A server in this process that accepts every message and remembers it. It ends with the test. */
export class AcceptingServer {
  endpoint = "";
  /** How often each message was accepted, by number. */
  readonly accepted = new Map<number, number>();
  /** In the current run. */
  acceptedNow = new Set<number>();
  /** What arrived but was never sent. */
  readonly wrong: string[] = [];
  #point: Point | undefined;
  #reached: () => void = () => {};
  /** Whether bytes after the point are discarded, as by a server that has not read them. */
  #deafAfter = false;
  #deaf = false;
  readonly #sockets = new Set<Socket>();

  async start(): Promise<void> {
    const server = createServer((socket) => this.#welcome(socket)).listen(0, "127.0.0.1");
    await once(server, "listening");
    onTestFinished(() => {
      for (const socket of this.#sockets) socket.destroy();
      server.close();
    });
    this.endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  /** Begins a run. @param reached called once, at the point */
  begin(point: Point | undefined, deafAfter: boolean, reached: () => void): void {
    this.acceptedNow = new Set();
    this.#deaf = false;
    this.#deafAfter = deafAfter;
    this.#point = point;
    this.#reached = reached;
  }

  /** Resolves when everything clients have sent is read. */
  async allRead(): Promise<void> {
    // Not `once` of node:events, which fails on the reset from a killed client.
    for (const socket of this.#sockets) {
      if (!socket.closed) await new Promise((resolve) => socket.once("close", resolve));
    }
  }

  #welcome(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    // A client killed with responses still unread resets the connection.
    socket.on("error", () => {});
    const parser = new PackageParser();
    let bytes = 0;
    if (this.#point?.at === 0) this.#pass();
    socket.on("data", (chunk) => {
      const point = this.#point;
      const most = point?.kind === "bytes" ? point.at - bytes : chunk.length;
      bytes += chunk.length;
      this.#take(socket, parser, chunk.subarray(0, most));
      if (point?.kind !== "bytes" || most > chunk.length) return;
      if (this.#point === point) this.#pass();
      this.#take(socket, parser, chunk.subarray(most));
    });
  }

  #take(socket: Socket, parser: PackageParser, bytes: Buffer): void {
    if (this.#deaf || bytes.length === 0) return;
    let answers = "";
    for (const pkg of parser.push(bytes)) {
      if (this.#deaf) return;
      this.#accept(pkg);
      answers += ANSWER;
      if (this.#point?.kind !== "accepted" || this.#point.at > this.acceptedNow.size) continue;
      if (this.#point.answered) socket.write(answers);
      else if (answers.length > ANSWER.length) socket.write(answers.slice(ANSWER.length));
      answers = this.#point.answered ? "" : ANSWER;
      this.#pass();
    }
    if (answers !== "" && !this.#deaf) socket.write(answers);
  }

  #pass(): void {
    this.#point = undefined;
    this.#deaf = this.#deafAfter;
    this.#reached();
  }

  #accept({ message, sender, recipient }: ParsedPackage): void {
    const number = Number(/^m(\d+)@/.exec(recipient)?.[1]);
    const right = recipient === recipientOf(number) && sender === SENDER && message === textOf(number);
    if (!right) this.wrong.push(`${sender} -> ${recipient}: ${message.slice(0, 80)}`);
    if (this.acceptedNow.has(number)) this.wrong.push(`${recipient} twice in one run`);
    this.acceptedNow.add(number);
    this.accepted.set(number, (this.accepted.get(number) ?? 0) + 1);
  }
}
