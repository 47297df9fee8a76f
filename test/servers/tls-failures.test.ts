import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer as createClearServer, type Server } from "node:net";
import { createServer } from "node:tls";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { qmtp, startSink } from "../support/in-process.ts";
import { stopAll } from "../support/processes.ts";
import { startScriptedServer, unusedPort } from "../support/scripted-server.ts";
import {
  deferredFor,
  expectTaken,
  reportOf,
  sendTo,
  startTlsSink,
  startTlsSinkProcess,
  succeeded,
  TAKEN,
} from "../support/tls-sink.ts";

afterEach(stopAll);

const made = makeCertificates();
const trust = ["--cacert", made.ca];

/** Listens on a free loopback port until the test ends. */
async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  return `qmtps://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const CLEAR_TEXT = "this may be a port for clear text; without TLS, use qmtp://";
const notTls = (endpoint: string) =>
  deferredFor(`cannot connect to ${endpoint}: the server does not speak TLS on this port; ${CLEAR_TEXT}`);
const closed = (endpoint: string) =>
  deferredFor(
    `cannot connect to ${endpoint}: the server closed the connection in the TLS handshake; ${CLEAR_TEXT}`,
  );

test("a server that greets in the clear does not speak TLS, and is sent nothing", async () => {
  let received = "";
  const server = createClearServer((socket) => {
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
    socket.on("error", () => {});
    socket.write("220 mx.example.org ESMTP\r\n");
  });
  const endpoint = await listen(server);
  expect(await sendTo(endpoint, trust)).toEqual(notTls(endpoint));
  expect(received).not.toContain("a@x");
});

test.each([
  ["in the clear", "3:Kok,"],
  ["with what looks like HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
])("a server that answers the handshake %s does not speak TLS", async (_how, reply) => {
  const server = await startScriptedServer({ reply });
  const endpoint = `qmtps://${server.endpoint}`;
  expect(await sendTo(endpoint, trust)).toEqual(notTls(endpoint));
  expect(await sendTo(endpoint, ["-k"])).toEqual(notTls(endpoint));
  expect(server.received.includes("a@x")).toBe(false);
});

test("a sink without TLS closes in the handshake and takes nothing", async () => {
  const sink = await startSink();
  const endpoint = sink.endpoint.replace("qmtp://", "qmtps://");
  expect(await sendTo(endpoint, trust)).toEqual(closed(endpoint));
  await expectTaken(sink, "");
});

test("a client without TLS gets nothing from a TLS server, which says so in one line", async () => {
  const sink = await startTlsSink(made.good);
  const sent = await sendTo(sink.endpoint.replace("qmtps://", "qmtp://"));
  expect(sent).toMatchObject({ code: 111, stderr: "" });
  expect(sent.stdout).toMatch(/^b@y: deferral: [^\n]+\n$/);
  const { stdout, stderr } = await sink.stop();
  expect(stdout).toBe("");
  expect(stderr.split("\n").slice(1)).toEqual([
    expect.stringMatching(/^qmtp: 127\.0\.0\.1 port \d+: no TLS: [^:]+; connection closed$/),
    "",
  ]);
});

test("a server silent in the handshake times out", async () => {
  const server = await startScriptedServer();
  const endpoint = `qmtps://${server.endpoint}`;
  const sent = await sendTo(endpoint, [...trust, "--connect-timeout", "0.3"]);
  expect(sent).toEqual(deferredFor(`cannot connect to ${endpoint}: no connection within 0.3 s`));
});

test.each(["TLSv1", "TLSv1.1"] as const)("a server limited to %s is refused", async (newest) => {
  let opened = 0;
  const server = createServer(
    {
      cert: readFileSync(made.good.cert),
      key: readFileSync(made.good.key),
      minVersion: "TLSv1",
      maxVersion: newest,
      ciphers: "DEFAULT@SECLEVEL=0",
    },
    () => opened++,
  );
  const endpoint = await listen(server);
  const why = `cannot connect to ${endpoint}: the server does not support TLS 1.2 or newer`;
  expect(await sendTo(endpoint, trust)).toEqual(deferredFor(why));
  expect(await sendTo(endpoint, ["-k"])).toEqual(deferredFor(why));
  expect(opened).toBe(0);
});

test("the next server is tried if the first is not trusted", async () => {
  const [bad, good] = [await startTlsSinkProcess(made.stranger), await startTlsSinkProcess(made.good)];
  const sent = await sendTo(bad.endpoint, ["-s", good.endpoint, ...trust, "--json"]);
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(reportOf(sent)).toMatchObject({ server: { endpoint: good.endpoint, tls: { verified: true } } });
  expect(await sendTo(bad.endpoint, ["-s", good.endpoint, ...trust])).toEqual(succeeded());
  await expectTaken(bad, "");
  await expectTaken(good, TAKEN + TAKEN);
});

test("the next server is tried if the first does not speak TLS or is down", async () => {
  const [clear, good] = [await startScriptedServer({ reply: "3:Kok," }), await startTlsSink(made.good)];
  const unused = `qmtps://127.0.0.1:${await unusedPort()}`;
  const sent = await sendTo(unused, ["-s", `qmtps://${clear.endpoint}`, "-s", good.endpoint, ...trust]);
  expect(sent).toEqual(succeeded());
  await expectTaken(good, TAKEN);
});

test("if no server is trusted, the reason for each is reported in one line", async () => {
  const sinks = [await startTlsSinkProcess(made.stranger), await startTlsSinkProcess(made.wrongName)];
  const [one, two] = sinks.map(({ endpoint }) => endpoint) as [string, string];
  const sent = await qmtp(["send", "-s", one, "-s", two, ...trust, "-f", "a@x", "b@y", "c@y"]);
  expect(sent).toMatchObject({ code: 111, stderr: "" });
  const line = `deferral: cannot connect to ${one}: [^\\n]+ unknown issuer [^\\n]+; cannot connect to ${two}: [^\\n]+ it is for [^\\n]+\\n`;
  expect(sent.stdout).toMatch(new RegExp(`^b@y: ${line}c@y: ${line}$`));
  for (const sink of sinks) await expectTaken(sink, "");
});
