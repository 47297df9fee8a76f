import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A package as received, read without any code under test. */
export interface ReceivedPackage {
  /** The encoding byte. */
  readonly encoding: string;
  readonly message: Buffer;
  readonly sender: string;
  readonly recipients: readonly string[];
}

export interface ReceivingServer {
  /** In the form that `--server` accepts. */
  readonly endpoint: string;
  /** Count of clients that have connected. */
  readonly connections: number;
  readonly packages: readonly ReceivedPackage[];
}

/**
 * A server in this process that sends the same response for every recipient. It ends with the test.
 * @param response as on the wire
 * @param answer called with a function that sends the responses to a package, to call it later; and with the package's
 *   number, from 1
 */
export async function startReceivingServer(
  response = "3:Kok,",
  answer: (send: () => void, number: number) => void = (send) => send(),
): Promise<ReceivingServer> {
  const sockets: Socket[] = [];
  const packages: ReceivedPackage[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    let chunks: Buffer[] = [];
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      // A package ends with a comma; most chunks of a long one do not, and are skipped.
      if (!chunk.subarray(-1).equals(Buffer.from(","))) return;
      let bytes = Buffer.concat(chunks);
      for (let whole = packageAt(bytes); whole !== undefined; whole = packageAt(bytes)) {
        packages.push(whole.pkg);
        const responses = response.repeat(whole.pkg.recipients.length);
        answer(() => socket.write(responses), packages.length);
        bytes = bytes.subarray(whole.end);
      }
      chunks = [bytes];
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return sockets.length;
    },
    packages,
  };
}

function packageAt(bytes: Buffer): { pkg: ReceivedPackage; end: number } | undefined {
  const message = netstringAt(bytes, 0);
  const sender = message && netstringAt(bytes, message.end);
  const list = sender && netstringAt(bytes, sender.end);
  if (list === undefined) return undefined;
  const recipients: string[] = [];
  for (let at = 0; at < list.content.length; ) {
    const recipient = netstringAt(list.content, at);
    if (recipient === undefined) throw new Error("a recipient is cut off");
    recipients.push(recipient.content.toString());
    at = recipient.end;
  }
  const [encoding, content] = [message?.content.toString("latin1", 0, 1), message?.content.subarray(1)];
  const pkg = { encoding, message: content, sender: sender?.content.toString(), recipients };
  return { pkg: pkg as ReceivedPackage, end: list.end };
}

function netstringAt(bytes: Buffer, at: number): { content: Buffer; end: number } | undefined {
  const colon = bytes.indexOf(":", at);
  if (colon === -1) return undefined;
  const from = colon + 1;
  const to = from + Number(bytes.toString("latin1", at, colon));
  if (to >= bytes.length) return undefined;
  if (bytes[to] !== 0x2c) throw new Error("a netstring does not end with a comma");
  return { content: bytes.subarray(from, to), end: to + 1 };
}
