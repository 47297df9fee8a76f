import { getEventListeners, once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { QmtpClient } from "../../src/index.ts";
import { startReceivingServer } from "../support/receiving-server.ts";
import { unusedPort } from "../support/scripted-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A client that is closed with the test. */
function clientOf(
  server: string | string[],
  options: Partial<ConstructorParameters<typeof QmtpClient>[0]> = {},
) {
  const client = new QmtpClient({ server, ...options });
  onTestFinished(() => client.close());
  return client;
}

/** What each client says goes to `answer`, which writes by hand. */
async function startServer(answer: (socket: Socket, received: string, number: number) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const number = sockets.push(socket);
    let received = "";
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      answer(socket, received, number);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { endpoint: `127.0.0.1:${port}`, sockets };
}

const MAIL = { sender: "a@x", recipients: "b@y", message: "hi\n" };
/** MAIL on the wire. */
const WIRE = "4:\nhi\n,3:a@x,6:3:b@y,,";

describe("sending", () => {
  test("gives a delivery for each recipient, in order, with the server's words", async () => {
    const { endpoint } = await startServer((socket, received) => {
      if (received.endsWith(",,"))
        socket.write("3:Kok,15:Dno such user\xff,6:Zlater,".replace("15:", "14:"), "latin1");
    });
    const deliveries = await clientOf(endpoint).send({ ...MAIL, recipients: ["b@y", "c@y", "b@y"] });
    expect(deliveries).toEqual([
      {
        recipient: "b@y",
        status: "success",
        text: "ok",
        origin: "server",
        possibleDuplicate: false,
        code: null,
        bytes: { recipient: Buffer.from("b@y"), text: Buffer.from("ok") },
      },
      expect.objectContaining({
        recipient: "c@y",
        status: "failure",
        text: "no such user\ufffd",
        bytes: { recipient: Buffer.from("c@y"), text: Buffer.from("no such user\xff", "latin1") },
      }),
      expect.objectContaining({ recipient: "b@y", status: "deferral", text: "later", origin: "server" }),
    ]);
  });

  test("keeps one connection for messages sent one after another, and at once", async () => {
    const server = await startReceivingServer();
    const client = clientOf(server.endpoint);
    await client.send(MAIL);
    await Promise.all([
      client.send(MAIL),
      client.send({ ...MAIL, recipients: ["c@y", "d@y"] }),
      client.send(MAIL),
    ]);
    await client.send(MAIL);
    expect(server.packages.map(({ recipients }) => recipients)).toEqual([
      ["b@y"],
      ["b@y"],
      ["c@y", "d@y"],
      ["b@y"],
      ["b@y"],
    ]);
    expect(server.connections).toBe(1);
  });

  test("does not wait for a response before it sends the next message", async () => {
    const { endpoint } = await startServer((socket, received) => {
      if (received === WIRE.repeat(3)) socket.write("3:Kok,".repeat(3));
    });
    const client = clientOf(endpoint);
    const all = await Promise.all([client.send(MAIL), client.send(MAIL), client.send(MAIL)]);
    expect(all.flat().map(({ status }) => status)).toEqual(["success", "success", "success"]);
  });

  test("reads text, bytes, files and streams, and converts line ends unless the message is raw", async () => {
    const server = await startReceivingServer();
    const client = clientOf(server.endpoint);
    const path = `${temporaryFolder()}/message`;
    writeFileSync(path, "file\r\n");
    const bytes = Buffer.from("bytes\r\n");
    const messages = [
      "text\r\n",
      bytes,
      { path },
      Readable.from([Buffer.from("stre"), Buffer.from("am\r\n")]),
    ];
    for (const message of messages) await client.send({ ...MAIL, message });
    await client.send({ ...MAIL, message: "dos\n", encoding: "dos" });
    await client.send({ ...MAIL, message: "raw\r\n", raw: true });
    expect(server.packages.map(({ encoding, message }) => encoding + message)).toEqual([
      "\ntext\n",
      "\nbytes\n",
      "\nfile\n",
      "\nstream\n",
      "\rdos\r\n",
      "\nraw\r\n",
    ]);
    expect(bytes.toString()).toBe("bytes\r\n");
  });

  test("takes any bytes as an address, and the null sender", async () => {
    const { endpoint } = await startServer((socket, received) => {
      if (received === "4:\nhi\n,0:,6:3:\xff\n@,,") socket.write("3:Kok,");
    });
    const mail = { ...MAIL, sender: "", recipients: [Buffer.from("\xff\n@", "latin1")] };
    expect(await clientOf(endpoint).send(mail)).toMatchObject([{ status: "success" }]);
  });

  test("sends one package per recipient with split", async () => {
    const server = await startReceivingServer();
    const client = clientOf(server.endpoint, { split: true });
    const deliveries = await client.send({ ...MAIL, recipients: ["b@y", "c@y"] });
    expect(deliveries.map(({ recipient }) => recipient)).toEqual(["b@y", "c@y"]);
    expect(server.packages.map(({ recipients }) => recipients)).toEqual([["b@y"], ["c@y"]]);
  });
});

test("a stream that was read before is refused: its message would be empty", async () => {
  const stream = Readable.from([Buffer.from("once\n")]);
  for await (const _ of stream);
  const sent = clientOf("192.0.2.1").send({ ...MAIL, message: stream });
  await expect(sent).rejects.toMatchObject({
    code: "usage",
    message: expect.stringContaining("read before"),
  });
});

describe("a failure", () => {
  test("to connect defers every recipient, and names the reason", async () => {
    const port = await unusedPort();
    const client = clientOf(`127.0.0.1:${port}`);
    const all = await Promise.all([client.send(MAIL), client.send(MAIL)]);
    for (const [delivery] of all) {
      expect(delivery).toMatchObject({ status: "deferral", origin: "client", code: "connect-failed" });
      expect(delivery?.possibleDuplicate).toBe(false);
    }
  });

  test("of a connection defers what it owes, and the next message gets another connection", async () => {
    const { endpoint, sockets } = await startServer((socket, _, number) => {
      if (number === 1) socket.end();
      else socket.write("3:Kok,");
    });
    const client = clientOf(endpoint);
    expect(await client.send(MAIL)).toMatchObject([
      { status: "deferral", code: "connection-closed", possibleDuplicate: true },
    ]);
    expect(await client.send(MAIL)).toMatchObject([{ status: "success" }]);
    expect(sockets).toHaveLength(2);
  });

  test("does not lose messages that wait behind the one that met it", async () => {
    const { endpoint } = await startServer((socket, received, number) => {
      // The first package has two recipients, so the next one is not sent before its responses.
      if (number === 1) socket.end("3:Kok,");
      else socket.write("3:Kok,".repeat(received.split(",,").length - 1));
    });
    const client = clientOf(endpoint);
    const [first, ...others] = await Promise.all([
      client.send({ ...MAIL, recipients: ["b@y", "c@y"] }),
      client.send(MAIL),
      client.send(MAIL),
    ]);
    expect(first?.map(({ status }) => status)).toEqual(["success", "deferral"]);
    expect(others.flat().map(({ status }) => status)).toEqual(["success", "success"]);
  });

  test("tries each server in turn", async () => {
    const server = await startReceivingServer();
    const client = clientOf([`127.0.0.1:${await unusedPort()}`, server.endpoint]);
    expect(await client.send(MAIL)).toMatchObject([{ status: "success" }]);
  });

  test("is retried for the recipients that were deferred, as often as asked", async () => {
    let attempts = 0;
    const { endpoint } = await startServer((socket, received) => {
      if (received.endsWith(",,")) socket.write(++attempts === 1 ? "3:Kok,6:Zlater," : "3:Kok,");
    });
    const client = clientOf(endpoint, { retry: { retries: 3, delayMs: 1 } });
    const deliveries = await client.send({ ...MAIL, recipients: ["b@y", "c@y"] });
    expect(deliveries.map(({ status }) => status)).toEqual(["success", "success"]);
    expect(attempts).toBe(2);
  });

  test("to read the message rejects, and leaves the connection usable", async () => {
    const server = await startReceivingServer();
    const client = clientOf(server.endpoint);
    const broken = Readable.from(
      (async function* () {
        yield Buffer.from("half");
        throw new Error("the disk is gone");
      })(),
    );
    await expect(client.send({ ...MAIL, message: broken })).rejects.toMatchObject({
      code: "unreadable-input",
      message: "the message's stream failed: the disk is gone",
    });
    const missing = client.send({ ...MAIL, message: { path: "/nowhere/at/all" } });
    await expect(missing).rejects.toMatchObject({ code: "unreadable-input" });
    expect(await client.send(MAIL)).toMatchObject([{ status: "success" }]);
    expect(server.packages).toHaveLength(1);
  });
});

describe("an abort", () => {
  test("before the message was sent defers it, and sends nothing of it", async () => {
    const server = await startReceivingServer();
    const client = clientOf(server.endpoint);
    const deliveries = await client.send({ ...MAIL, signal: AbortSignal.abort() });
    expect(deliveries).toMatchObject([{ status: "deferral", code: "interrupted", possibleDuplicate: false }]);
    await client.send(MAIL);
    expect(server.packages).toHaveLength(1);
  });

  test("of a message in flight says that it may have been delivered, and leaves the others alone", async () => {
    const stop = new AbortController();
    let release = () => {};
    const { endpoint } = await startServer((socket, received) => {
      if (received !== WIRE.repeat(2)) return;
      release = () => socket.write("3:Kok,".repeat(2));
      stop.abort();
    });
    const client = clientOf(endpoint);
    const [aborted, other] = [client.send({ ...MAIL, signal: stop.signal }), client.send(MAIL)];
    expect(await aborted).toMatchObject([
      { status: "deferral", code: "interrupted", possibleDuplicate: true },
    ]);
    release();
    expect(await other).toMatchObject([{ status: "success" }]);
  });

  test("in the middle of a message ends the connection before its last byte, and others get another one", async () => {
    const stop = new AbortController();
    const received: string[] = [];
    let other: Promise<unknown> = Promise.resolve();
    const { endpoint } = await startServer((socket, all, number) => {
      if (number === 2) socket.write("3:Kok,");
      if (received[number] === undefined && number === 1) {
        other = client.send(MAIL);
        stop.abort();
      }
      received[number] = all;
    });
    const client = clientOf(endpoint);
    const path = `${temporaryFolder()}/message`;
    writeFileSync(path, Buffer.alloc(64 * 1024 * 1024, "a"));
    const large = await client.send({ ...MAIL, message: { path }, signal: stop.signal });
    expect(large).toMatchObject([{ status: "deferral", code: "interrupted", possibleDuplicate: false }]);
    expect(await other).toMatchObject([{ status: "success" }]);
    expect(received[1]?.startsWith("67108865:\na")).toBe(true);
    expect(received[1]?.endsWith(",,")).toBe(false);
    expect(received[2]).toBe(WIRE);
  });
});

describe("nothing is kept", () => {
  test.each(["", "qmtps://"])(
    "by messages that were aborted, when the client is closed (%s)",
    async (scheme) => {
      const { endpoint } = await startServer(() => {});
      const client = new QmtpClient({ server: `${scheme}${endpoint}`, tls: { insecure: true } });
      const stop = new AbortController();
      const sent = client.send({ ...MAIL, signal: stop.signal });
      await new Promise(setImmediate);
      stop.abort();
      await sent;
      // The server never answers: this would wait for a time limit.
      await client.close();
    },
  );

  test("by messages that were aborted, for longer than a connection is kept", async () => {
    const stop = new AbortController();
    const { endpoint } = await startServer(() => stop.abort());
    const client = clientOf(endpoint, { keepMs: 1 });
    const ended = once(client, "disconnected");
    await client.send({ ...MAIL, signal: stop.signal });
    expect(await ended).toMatchObject([{ code: "interrupted" }]);
  });

  test("against a connection whose aborted message is answered: it ends as others do", async () => {
    const stop = new AbortController();
    const { endpoint } = await startServer((socket, received) => {
      if (received !== WIRE) return;
      stop.abort();
      socket.write("3:Kok,");
    });
    const client = clientOf(endpoint, { keepMs: 50 });
    const ended = once(client, "disconnected");
    await client.send({ ...MAIL, signal: stop.signal });
    expect(await ended).toEqual([null]);
  });

  test("on a signal that many messages share, and Node does not warn of a leak", async () => {
    const server = await startReceivingServer();
    const client = clientOf(server.endpoint);
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const { signal } = new AbortController();
    await Promise.all(Array.from({ length: 20 }, () => client.send({ ...MAIL, signal })));
    const missing = { ...MAIL, message: { path: "/nowhere/at/all" }, signal };
    for (let count = 0; count < 20; count++) await client.send(missing).catch(() => {});
    await new Promise(setImmediate);
    expect(warnings).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("the connection", () => {
  test("is closed when nothing was sent for a while, and made again when needed", async () => {
    const server = await startReceivingServer();
    const client = clientOf(server.endpoint, { keepMs: 1 });
    const ended = once(client, "disconnected");
    await client.send(MAIL);
    expect(await ended).toEqual([null]);
    await client.send(MAIL);
    expect(server.connections).toBe(2);
  });

  test("is closed by close, which waits for what was sent", async () => {
    const server = await startReceivingServer();
    const client = new QmtpClient({ server: server.endpoint });
    const sent = client.send(MAIL);
    await client.close();
    expect(client.idle).toBe(true);
    expect(await sent).toMatchObject([{ status: "success" }]);
    await expect(client.send(MAIL)).rejects.toThrow("the client is closed");
  });

  test("is closed at the end of an await using block", async () => {
    const server = await startReceivingServer();
    let ended = false;
    {
      await using client = new QmtpClient({ server: server.endpoint });
      client.on("disconnected", () => {
        ended = true;
      });
      await client.send(MAIL);
    }
    expect(ended).toBe(true);
  });

  test("is observed: who answered, bytes, and what broke the protocol", async () => {
    const { endpoint } = await startServer((socket, received) => {
      if (received === WIRE) socket.write("3:Kok,2:Kx,");
    });
    const client = clientOf(endpoint);
    const seen: string[] = [];
    client.on("connected", ({ address }) => seen.push(`connected ${address}`));
    client.on("sent", (part, bytes) => seen.push(`sent ${part} ${bytes.toString("latin1")}`));
    client.on("received", (bytes) => seen.push(`received ${bytes}`));
    client.on("violation", ({ code }) => seen.push(`violation ${code}`));
    const ended = once(client, "disconnected");
    await client.send(MAIL);
    expect(await ended).toMatchObject([{ code: "protocol-violation" }]);
    expect(seen).toEqual([
      "connected 127.0.0.1",
      "sent head 4:\n",
      "sent body hi\n",
      "sent tail ,3:a@x,6:3:b@y,,",
      "received 3:Kok,2:Kx,",
      "violation surplus-response",
    ]);
  });

  test("is tried by verify, which sends nothing", async () => {
    const server = await startReceivingServer();
    expect(await clientOf(server.endpoint).verify()).toMatchObject({ address: "127.0.0.1", tls: null });
    const refused = clientOf(`127.0.0.1:${await unusedPort()}`).verify();
    await expect(refused).rejects.toMatchObject({ code: "connect-failed" });
    expect(server.packages).toEqual([]);
  });
});

test.each<[string, object, string]>([
  ["no recipients", { recipients: [] }, "no recipients"],
  ["an empty recipient", { recipients: ["b@y", ""] }, "recipient is empty"],
  ["a recipient that is no string", { recipients: [7] }, "a recipient is a string or bytes"],
  ["a control character", { recipients: "b\n@y" }, "control byte"],
  ["no sender", { sender: undefined }, "a sender is a string or bytes"],
  ["no message", { message: undefined }, "the message is a string, bytes"],
  ["a stream of objects", { message: [{}] }, "not one of bytes"],
  ["a directory", { message: { path: "/" } }, "directory"],
  ["a signal that is none", { signal: 7 }, "signal is an AbortSignal"],
  ["an unknown encoding", { encoding: "mac" }, "encoding is 'unix' or 'dos'"],
])("%s is a wrong argument", async (_, wrong, why) => {
  const sent = clientOf("192.0.2.1").send({ ...MAIL, ...wrong } as never);
  await expect(sent).rejects.toMatchObject({ code: "usage", message: expect.stringContaining(why) });
});

test.each<[string, object, string]>([
  ["nothing", undefined as never, "options are an object"],
  ["no server", { server: [] }, "no server"],
  ["a server that is no string", { server: [1] }, "server is a string"],
  ["a bad endpoint", { server: "http://x" }, "bad endpoint"],
  ["a bad time", { server: "x", timeoutMs: "1" }, "timeoutMs is a number of milliseconds"],
  ["a bad number of retries", { server: "x", retry: { retries: -1 } }, "retry.retries"],
  ["retries as a number", { server: "x", retry: 5 }, "retry is an object"],
  ["a bad port", { server: "x", port: "209" }, "port is a number"],
  ["a source that is no address", { server: "x", sourceAddress: "x" }, "sourceAddress is an IP address"],
  ["a source of another family", { server: "x", sourceAddress: "::1", family: 4 }, "IPv6 address"],
  ["a bad family", { server: "x", family: 5 }, "family is 4 or 6"],
])("%s is a wrong option", (_, wrong, why) => {
  expect(() => new QmtpClient(wrong as never)).toThrow(why);
});
