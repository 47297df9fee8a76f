import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { emptyQmailHome } from "../../support/maildirs.ts";
import { homeWith } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { untimed } from "../../support/transcripts.ts";

const ping = (...args: string[]) => qmtp(["ping", "--wait", "0.1", ...args], { env: emptyQmailHome() });

/** A server that speaks as soon as a client connects, or closes the connection. */
async function rudeServer(words: string | Uint8Array): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (words.length === 0) socket.end();
    else socket.write(words);
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `qmtp://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const answered = (line: RegExp) => ({
  code: 0,
  signal: null,
  stdout: expect.stringMatching(line),
  stderr: "",
});
const unanswered = (line: string) => ({ code: 111, signal: null, stdout: `${line}\n`, stderr: "" });

describe("a server that waits for a package is answered, with a line", () => {
  test("with its address, port and the time to connect; it gets no byte", async () => {
    const server = await startScriptedServer();
    const line = `^qmtp://${server.endpoint}: connected to 127\\.0\\.0\\.1 port ${server.port} in \\d+\\.\\d ms\n$`;
    expect(await ping("-s", server.endpoint)).toEqual(answered(new RegExp(line)));
    expect([server.connections, server.received.length]).toEqual([1, 0]);
  });

  test("without an address on a socket", async () => {
    const path = `${temporaryFolder()}/sink.sock`;
    await startSink(["--listen", `unix:${path}`]);
    expect(await ping("-s", `unix:${path}`)).toEqual(
      answered(new RegExp(`^unix:${path}: connected in \\d+\\.\\d ms\n$`)),
    );
  });

  test("the first of several that connects", async () => {
    const server = await startScriptedServer();
    const run = await ping("-s", `127.0.0.1:${await unusedPort()}`, "-s", server.endpoint);
    expect(run).toEqual(answered(new RegExp(`^qmtp://${server.endpoint}: connected to `)));
  });

  test("that of QMTP_SERVER, or of control/qmtpservers", async () => {
    const server = await startScriptedServer();
    const line = new RegExp(`^qmtp://${server.endpoint}: connected to `);
    const args = ["ping", "--wait", "0.1"];
    expect(await qmtp(args, { env: { QMTP_SERVER: server.endpoint } })).toEqual(answered(line));
    expect(await qmtp(args, { env: homeWith(server.endpoint) })).toEqual(answered(line));
  });
});

describe("a server that does not is not, and the line says why", () => {
  test("if there is none", async () => {
    const port = await unusedPort();
    const why = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
    expect(await ping("-s", `127.0.0.1:${port}`)).toEqual(unanswered(why));
  });

  const NAME_PORT = "name the port of a QMTP server, which is usually 209";
  test.each([
    [
      "220 mx.example.org ESMTP\r\n",
      `"220 mx.example.org ESMTP": this looks like an SMTP server; ${NAME_PORT}`,
    ],
    ["SSH-2.0-OpenSSH_9.2\r\n", `"SSH-2.0-OpenSSH_9.2": this looks like an SSH server; ${NAME_PORT}`],
    ["hello\u001b[2J", '"hello\\x1b[2J"'],
    ["3:Kok,", '"3:Kok,"'],
  ])("if it says %j", async (words, said) => {
    const server = await rudeServer(words);
    expect(await ping("-s", server)).toEqual(unanswered(`${server}: it spoke out of turn: ${said}`));
  });

  test("if it closes the connection at once", async () => {
    const server = await rudeServer("");
    const why = `${server}: the server closed the connection at once`;
    expect(await ping("-s", server)).toEqual(unanswered(why));
  });

  test("with --json, it has the code of the error, and the time to connect if there was a connection", async () => {
    const [rude, none] = [await rudeServer("220 mx\r\n"), `qmtp://127.0.0.1:${await unusedPort()}`];
    const reports = await Promise.all([rude, none].map(async (server) => ping("--json", "-s", server)));
    const [spoke, refused] = reports.map(({ stdout }) => JSON.parse(stdout));
    expect(reports.map(({ code }) => code)).toEqual([111, 111]);
    expect(spoke).toMatchObject({
      outcome: "failed",
      server: { endpoint: rude, address: "127.0.0.1" },
      connectMs: expect.any(Number),
      error: { code: "protocol-violation", fault: "remote" },
    });
    expect(refused).toMatchObject({ connectMs: null, error: { code: "connect-failed", fault: "transport" } });
  });
});

test("--json prints one object", async () => {
  const server = await startScriptedServer();
  const run = await ping("--json", "-s", server.endpoint);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  expect(run.stdout.split("\n")).toHaveLength(2);
  expect(JSON.parse(run.stdout)).toEqual({
    schema: 1,
    type: "ping",
    number: 1,
    outcome: "success",
    server: { endpoint: `qmtp://${server.endpoint}`, address: "127.0.0.1", port: server.port, tls: null },
    certificate: null,
    connectMs: expect.any(Number),
    error: null,
  });
});

test("-q prints only what failed", async () => {
  const [server, rude] = [await startScriptedServer(), await rudeServer("")];
  expect(await ping("-q", "-s", server.endpoint)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  expect((await ping("-q", "-s", rude)).stdout).toBe(`${rude}: the server closed the connection at once\n`);
});

test("-v prints a transcript, with what a server says out of turn", async () => {
  const rude = await rudeServer("220 mx\r\n");
  const { stderr } = await ping("-v", "-s", rude);
  expect(untimed(stderr)).toEqual([
    `* connecting to ${rude}`,
    `* connected to 127.0.0.1 port ${rude.replace(/^.*:/, "")}`,
    "< 220 mx\\x0d\\x0a",
    '* it spoke out of turn: "220 mx": this looks like an SMTP server',
    "",
  ]);
});

test.each([
  [["x"], "unexpected argument 'x'; see qmtp ping --help"],
  [["-c", "0"], "option '-c, --count <n>' does not accept '0': write a whole number, 1 or more"],
  [
    ["-i", "0"],
    "option '-i, --interval <s>' does not accept '0': write a number of seconds, more than 0 and at most 2000000",
  ],
  [
    ["-s", "ucspi:", "-c", "2"],
    "ucspi: can be used only once: leave out -c and -i, or name another endpoint",
  ],
  [
    ["-s", "ucspi:", "-i", "2"],
    "ucspi: can be used only once: leave out -c and -i, or name another endpoint",
  ],
  [["--cacert", "x"], "--cacert is for TLS: name a server as qmtps://host"],
])("%j is wrong usage", async (args, why) => {
  expect(await ping(...args)).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${why}\n` });
});
