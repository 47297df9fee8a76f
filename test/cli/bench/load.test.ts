import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { makeCertificates } from "../../support/certificates.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { LAUNCHER } from "../../support/processes.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { startTlsSink } from "../../support/tls-sink.ts";
import { benchJson, TO } from "./running.ts";

const made = makeCertificates();

describe("what is sent", () => {
  test("is 1,000 messages of 4,096 bytes from the null sender over one connection, if not asked otherwise", async () => {
    const server = await startReceivingServer();
    const { messages, bytes, sessions, window } = await benchJson(server.endpoint);
    expect({ messages, bytes, sessions, window }).toEqual({
      messages: 1_000,
      bytes: 4_096,
      sessions: 1,
      window: 1,
    });
    expect(server.connections).toBe(1);
    expect(server.packages).toHaveLength(1_000);
    const [first] = server.packages;
    expect(first).toMatchObject({ encoding: "\n", sender: "", recipients: [TO] });
    expect(first?.message).toHaveLength(4_096);
    expect(first?.message.toString()).toMatch(/^Subject: qmtp bench\n\n(?:x{1,71}\n)+$/);
    expect(new Set(server.packages.map(({ message }) => message.toString("latin1"))).size).toBe(1);
  });

  test.each([0, 1, 20, 21, 100_000, 300_000])("has %i bytes with --length", async (length) => {
    const server = await startReceivingServer();
    const { bytes } = await benchJson(server.endpoint, "-m", "2", "--length", `${length}`);
    expect(bytes).toBe(length);
    expect(server.packages.map(({ message }) => message.length)).toEqual([length, length]);
  });

  test("is the file of --file, or standard input, with line ends as on the wire", async () => {
    const server = await startReceivingServer();
    const path = `${temporaryFolder()}/message`;
    writeFileSync(path, "Subject: x\r\n\r\nhello\r\n");
    await benchJson(server.endpoint, "-m", "2", "--file", path);
    const args = ["bench", "-s", server.endpoint, "--to", TO, "-m", "1", "--file", "-"];
    expect(await qmtp(args, { input: "from a pipe\n" })).toMatchObject({ code: 0, stderr: "" });
    const sent = server.packages.map(({ message }) => message.toString());
    expect(sent).toEqual(["Subject: x\n\nhello\n", "Subject: x\n\nhello\n", "from a pipe\n"]);
  });

  test("has the sender, and as many recipients as asked for, each address in turn", async () => {
    const server = await startReceivingServer();
    const to = ["--to", "c@example.org", "--to", "d@example.org"];
    const results = await benchJson(server.endpoint, "-m", "4", "-f", "a@example.org", "-r", "2", ...to);
    expect(results).toMatchObject({ messages: 4, recipients: 2, counts: { success: 8 } });
    expect(server.packages.map(({ sender }) => sender)).toEqual(Array(4).fill("a@example.org"));
    expect(server.packages.map(({ recipients }) => recipients.map((address) => address[0]).join(""))).toEqual(
      ["bc", "cd", "db", "bc"],
    );
  });
});

test("--reconnect makes a new connection after n messages", async () => {
  const server = await startReceivingServer();
  const results = await benchJson(server.endpoint, "-m", "20", "--reconnect", "5", "-w", "3");
  expect(results).toMatchObject({ messages: 20, connections: 4, failedConnections: 0, exitCode: 0 });
  expect(server.connections).toBe(4);
});

test("sessions share the messages, and each has its connection", async () => {
  const server = await startReceivingServer();
  const results = await benchJson(server.endpoint, "-m", "103", "-c", "12", "-w", "4");
  expect(results).toMatchObject({ messages: 103, connections: 12, counts: { success: 103 } });
  expect([server.connections, server.packages.length]).toEqual([12, 103]);
});

describe("every kind of endpoint", () => {
  const ok = { exitCode: 0, messages: 30, counts: { success: 30, deferral: 0, failure: 0 } };

  test("TLS", async () => {
    const { endpoint } = await startTlsSink(made.good);
    const results = await benchJson(endpoint, "-m", "30", "-c", "3", "--cacert", made.ca);
    expect(results).toMatchObject({
      ...ok,
      server: { endpoint, tls: { version: "TLSv1.3", verified: true } },
    });
  });

  test("TLS that is not verified: one line says so, however many connections there are", async () => {
    const { endpoint } = await startTlsSink(made.selfSigned);
    const run = await qmtp(["bench", "--json", "-s", endpoint, "--to", TO, "-m", "30", "-c", "5", "-k"]);
    expect(run).toMatchObject({ code: 0, stderr: `qmtp: the certificate of ${endpoint} is not verified\n` });
  });

  test("unix:", async () => {
    const endpoint = `unix:${temporaryFolder()}/sink`;
    await startSink(["--listen", endpoint]);
    expect(await benchJson(endpoint, "-m", "30", "-c", "3")).toMatchObject({ ...ok, server: { endpoint } });
  });

  test("exec:, one server for each session", async () => {
    const endpoint = `exec:exec "${process.execPath}" "${LAUNCHER}" sink --listen ucspi: 2>/dev/null`;
    const results = await benchJson(endpoint, "-m", "30", "-c", "2");
    expect(results).toMatchObject({ ...ok, connections: 2, server: { endpoint } });
  });

  test("a host by its name", async () => {
    const { endpoint } = await startReceivingServer();
    const name = endpoint.replace("127.0.0.1", "localhost");
    expect(await benchJson(name, "-4", "-m", "30", "-c", "3")).toMatchObject(ok);
  });
});

describe("responses", () => {
  test("are counted by status, and by text without its numbers, the ten most frequent first", async () => {
    const words = "abcdefghijkl";
    let count = 0;
    const server = await startReceivingServer("", () => {});
    expect(server.packages).toEqual([]);
    const answering = await startAnswering(() => {
      const index = count++;
      if (index < 20) return `K ok ${index * 1_000} qp ${index}`;
      if (index < 30) return "Dno such user (#5.1.1)";
      return `Z${words[(index - 30) % words.length]}`;
    });
    const { counts, texts, otherTexts } = await benchJson(answering, "-m", "54");
    expect(counts).toEqual({ success: 20, deferral: 24, failure: 10 });
    expect(texts.slice(0, 2)).toEqual([
      { status: "success", text: " ok N qp N", count: 20 },
      { status: "failure", text: "no such user (#5.1.1)", count: 10 },
    ]);
    expect(texts).toHaveLength(10);
    expect(texts.slice(2).every(({ count: times }: { count: number }) => times === 2)).toBe(true);
    expect(otherTexts).toBe(8);
  });

  test("cannot control the terminal", async () => {
    const endpoint = await startAnswering(() => "K\u001b[2J");
    const { stdout } = await qmtp(["bench", "-s", endpoint, "--to", TO, "-m", "3"]);
    expect(stdout).toContain("  success: \\x1b[2J\n");
  });
});

describe("a server that fails", () => {
  test("and cannot be reached at all: the exit code is 111, and a line says why", async () => {
    const endpoint = `unix:${temporaryFolder()}/none`;
    const run = await qmtp(["bench", "-s", endpoint, "--to", TO, "-c", "3"]);
    const why = `cannot connect to ${endpoint}: no such file or directory`;
    expect(run).toEqual({ code: 111, signal: null, stdout: "", stderr: `qmtp: ${why} (3 connections)\n` });
    const json = await benchJson(endpoint);
    expect(json).toMatchObject({
      exitCode: 111,
      messages: 0,
      latencyMs: null,
      connectMs: null,
      failedConnections: 1,
      error: { code: "connect-failed", message: why },
    });
  });

  test("for good: what was answered is reported, what was not is not a latency, and the exit code is 111", async () => {
    let answered = 0;
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("data", () => {
        if (answered === 100) {
          server.close();
          for (const one of sockets) one.destroy();
          return;
        }
        answered++;
        socket.write("3:Kok,");
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const results = await benchJson(endpoint, "-m", "5000", "-c", "2", "-l", "100");
    expect(results).toMatchObject({
      exitCode: 111,
      counts: { success: 100, failure: 0 },
      texts: [{ status: "success", text: "ok", count: 100 }],
      brokenConnections: 2,
      error: { code: "connect-failed" },
    });
    expect(results.counts.deferral).toBe(results.unanswered);
    expect(results.unanswered).toBeGreaterThan(0);
    expect(results.unanswered).toBeLessThanOrEqual(2);
    expect(results.messages).toBe(100 + results.unanswered);
    expect(results.histogram.reduce((sum: number, { count }: { count: number }) => sum + count, 0)).toBe(100);
    expect(results.failedConnections).toBeGreaterThanOrEqual(2);
  });

  test("now and then: the run goes on over new connections", async () => {
    let count = 0;
    const server = await startAnswering(() => (++count % 10 === 0 ? undefined : "Kok"));
    const results = await benchJson(server, "-m", "50");
    expect(results).toMatchObject({
      exitCode: 0,
      messages: 50,
      counts: { success: 45, deferral: 5, failure: 0 },
      unanswered: 5,
      brokenConnections: 5,
      connectionErrors: [{ code: "connection-closed", count: 5 }],
    });
  });

  test("for some of the sessions: the run goes on without them, and the exit code is 111", async () => {
    let clients = 0;
    const server = await startAnswering(
      () => "Kok",
      () => ++clients <= 2,
    );
    const run = await qmtp(["bench", "-s", server, "--to", TO, "--duration", "1.5", "-c", "3"]);
    expect(run.code).toBe(111);
    expect(run.stdout).toMatch(/^recipients {4}\d+ success, [0-4] deferral, 0 failure/m);
    expect(run.stderr).toContain("qmtp: 1 of 3 sessions got no more responses, and were given up\n");
  });

  test("by saying nothing: each session is given up after --timeout", async () => {
    const { endpoint } = await startReceivingServer("", () => {});
    const results = await benchJson(endpoint, "--timeout", "0.3", "-c", "2");
    expect(results).toMatchObject({
      exitCode: 111,
      messages: 2,
      counts: { success: 0, deferral: 2, failure: 0 },
      unanswered: 2,
      brokenConnections: 2,
      error: { code: "no-progress" },
    });
  });

  test("but not by closing idle sessions, if there are more of them than the rate needs", async () => {
    const { endpoint } = await startReceivingServer();
    const results = await benchJson(endpoint, "--timeout", "0.1", "-c", "5", "--rate", "20", "-m", "20");
    expect(results).toMatchObject({ exitCode: 0, messages: 20, unanswered: 0 });
  });

  test("by breaking the protocol: the violation is named, and the exit code is 1", async () => {
    let count = 0;
    const server = await startAnswering(() => (++count === 20 ? "X" : "Kok"));
    const run = await qmtp(["bench", "-s", server, "--to", TO, "-m", "50"]);
    expect(run.code).toBe(1);
    expect(run.stderr).toBe(
      "qmtp: the server broke the protocol at byte 116: a response that begins with none of K, Z and D (1 connection)\n",
    );
    count = 0;
    const { violations, exitCode } = await benchJson(server, "-m", "50");
    expect(exitCode).toBe(1);
    expect(violations).toEqual([
      { code: "unknown-status", message: expect.any(String), offset: 116, count: 1 },
    ]);
  });
});

/** A server that sends what the function returns as the response to each package, or closes the connection. */
async function startAnswering(
  answer: () => string | undefined,
  isWelcome: () => boolean = () => true,
): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (!isWelcome()) {
      socket.end();
      return;
    }
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      // The end of each package.
      const packages = received.split(`${TO.length}:${TO},,`);
      received = packages.pop() as string;
      for (const _ of packages) {
        const text = answer();
        if (text === undefined) socket.end();
        else socket.write(`${text.length}:${text},`);
      }
    });
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
