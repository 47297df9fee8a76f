import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { type Endpoint, parseEndpoint } from "../../src/transport/endpoint.ts";

/** How a server is unusual that keeps the protocol all the same. */
export interface Unusual {
  /** The response to a recipient, without length and comma; `number` counts all packages. */
  readonly answer?: (recipient: string, number: number) => string;
  /** Clients beyond these are turned away. */
  readonly maxClients?: number;
  /** Clients beyond these wait until another has gone. */
  readonly maxServed?: number;
  readonly packagesPerConnection?: number;
  /** Closes silent connections. */
  readonly idleMs?: number;
  /** What each package takes. */
  readonly delayMs?: number;
  /** What each byte of a response takes. */
  readonly byteMs?: number;
  /** What it does about a broken package. */
  readonly whenBroken?: "close" | "wait";
}

interface Parsed {
  readonly recipients: readonly string[];
  readonly length: number;
}

const LENGTH = /^(0|[1-9]\d{0,8}):/;
const PREFIX = /^(|0|[1-9]\d{0,8}):?$/;

/** The netstring at the beginning: undefined if more has to come. @throws {RangeError} if it is none */
function netstring(bytes: string): { content: string; length: number } | undefined {
  const [prefix, digits] = LENGTH.exec(bytes) ?? [];
  if (prefix === undefined || digits === undefined) {
    if (PREFIX.test(bytes)) return undefined;
    throw new RangeError("length");
  }
  const end = prefix.length + Number(digits);
  if (bytes.length <= end) return undefined;
  if (bytes[end] !== ",") throw new RangeError("comma");
  return { content: bytes.slice(prefix.length, end), length: end + 1 };
}

function whole(bytes: string): { content: string; length: number } {
  const found = netstring(bytes);
  if (found === undefined) throw new RangeError("cut");
  return found;
}

/** The package at the beginning, likewise. */
function parsed(bytes: string): Parsed | undefined {
  let length = 0;
  const parts: string[] = [];
  while (parts.length < 3) {
    const part = netstring(bytes.slice(length));
    if (part === undefined) return undefined;
    parts.push(part.content);
    length += part.length;
  }
  const recipients: string[] = [];
  for (let list = parts[2] ?? ""; list !== ""; ) {
    const one = whole(list);
    recipients.push(one.content);
    list = list.slice(one.length);
  }
  return { recipients, length };
}

const ACCEPTS = (recipient: string) =>
  recipient.startsWith("refused@") ? "Dno such user (#5.1.1)" : "Kok 1795333715 qp 7259";

async function pause(ms: number): Promise<void> {
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
}

/** A server that ends with the test. */
export async function startUnusual(unusual: Unusual): Promise<Endpoint> {
  const {
    answer = ACCEPTS,
    maxClients = 1_000,
    maxServed = 1_000,
    delayMs = 0,
    byteMs = 0,
    idleMs = 0,
  } = unusual;
  const { packagesPerConnection = Number.POSITIVE_INFINITY, whenBroken = "close" } = unusual;
  const clients = new Set<Socket>();
  const waiting: (() => void)[] = [];
  let served = 0;
  let number = 0;

  async function respond(socket: Socket, responses: readonly string[]): Promise<void> {
    await pause(delayMs);
    const bytes = responses.map((text) => `${text.length}:${text},`).join("");
    if (byteMs === 0) socket.write(bytes, "latin1");
    else {
      for (const byte of bytes) {
        socket.write(byte, "latin1");
        await pause(byteMs);
      }
    }
  }

  async function answerAll(socket: Socket): Promise<void> {
    let bytes = "";
    let packages = 0;
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
      bytes += chunk.toString("latin1");
      for (let one = parsed(bytes); one !== undefined; one = parsed(bytes)) {
        const mine = ++number;
        bytes = bytes.slice(one.length);
        await respond(
          socket,
          one.recipients.map((recipient) => answer(recipient, mine)),
        );
        if (++packages >= packagesPerConnection) return;
      }
    }
  }

  async function serve(socket: Socket): Promise<void> {
    if (served >= maxServed) await new Promise<void>((resolve) => waiting.push(resolve));
    // It may have gone in the meantime.
    if (socket.destroyed) return waiting.shift()?.();
    served++;
    socket.once("close", () => {
      served--;
      waiting.shift()?.();
    });
    if (idleMs > 0) socket.setTimeout(idleMs, () => socket.destroy());
    try {
      await answerAll(socket);
    } catch (error) {
      if (error instanceof RangeError && whenBroken === "wait")
        await once(socket.resume(), "end").catch(() => {});
    }
    socket.end();
    socket.resume();
  }

  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    clients.add(socket).size > maxClients ? socket.destroy() : void serve(socket);
    socket.once("close", () => clients.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of clients) socket.destroy();
  });
  return parseEndpoint(`127.0.0.1:${(server.address() as AddressInfo).port}`);
}
