import { once } from "node:events";
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { PackageParser } from "../../lost/packages.ts";
import { qmtp } from "../../support/in-process.ts";
import { deliverMaildir, fakeQueue, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { qmtp as qmtpProcess, shell, stopAll } from "../../support/processes.ts";
import { unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { untimed } from "../../support/transcripts.ts";

afterEach(stopAll);

interface Server {
  readonly endpoint: string;
  /** The recipients of each connection, in order. */
  readonly connections: string[][];
}

/** Holds back answers until this many connections, of one or more servers, have a package. */
class Gate {
  readonly #count: number;
  readonly #connections = new Set<unknown>();
  readonly #held: (() => void)[] = [];

  constructor(count: number) {
    this.#count = count;
  }

  answer(connection: unknown, answer: () => void): void {
    this.#connections.add(connection);
    this.#held.push(answer);
    if (this.#connections.size < this.#count) return;
    for (const held of this.#held.splice(0)) setImmediate(held);
  }
}

/**
 * A server that answers each package, once the gate is open.
 * @param answerTo by default, accepts everything; undefined closes the connection instead
 */
async function startServer(
  gate: Gate,
  answerTo: (recipient: string) => string | undefined = () => "Kok",
): Promise<Server> {
  const connections: string[][] = [];
  const server = createServer((socket) => {
    const recipients: string[] = [];
    connections.push(recipients);
    const parser = new PackageParser();
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      for (const { recipient } of parser.push(chunk)) {
        recipients.push(recipient);
        const text = answerTo(recipient);
        gate.answer(socket, () => {
          if (text === undefined) socket.end();
          else socket.write(`${text.length}:${text},`);
        });
      }
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return { endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`, connections };
}

const COUNT = 24;
const NAMES = Array.from({ length: COUNT }, (_, index) => `new/${String(index).padStart(2, "0")}`);
/** Recipients are named after the files, the oldest of which is 00. */
const spool = () =>
  maildirWith(
    Object.fromEntries(NAMES.map((name, index) => [name, [900 - index, mail(`${name.slice(4)}@y`, "hi\n")]])),
  );
const objects = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("qmtp maildir --sessions", () => {
  test("delivers over several connections at once, each message once, the oldest first", async () => {
    const server = await startServer(new Gate(4));
    const maildir = spool();
    const run = await deliverMaildir(maildir, ["--sessions", "4", "-s", server.endpoint]);
    expect([run.code, run.stderr]).toEqual([
      0,
      `qmtp: ${COUNT} messages: ${COUNT} success; ${COUNT} removed\n`,
    ]);
    expect(run.stdout.trimEnd().split("\n").sort()).toEqual(
      NAMES.map((name) => `${name}: ${name.slice(4)}@y: success: ok`),
    );
    expect([filesLeft(maildir), server.connections.length]).toEqual([[], 4]);
    expect(server.connections.flat().sort()).toEqual(NAMES.map((name) => `${name.slice(4)}@y`));
    // A session takes what is oldest when it has room.
    for (const recipients of server.connections) expect(recipients).toEqual([...recipients].sort());
    expect(server.connections.map(([first]) => first).sort()).toEqual(["00@y", "01@y", "02@y", "03@y"]);
  });

  test("names the session and its server in the JSON of each message, and counts them", async () => {
    const server = await startServer(new Gate(3));
    const run = await deliverMaildir(spool(), ["--sessions", "3", "--json", "-s", server.endpoint]);
    const [messages, summary] = [objects(run.stdout).slice(0, -1), objects(run.stdout).at(-1)];
    expect(new Set(messages.map(({ session }) => session))).toEqual(new Set([1, 2, 3]));
    for (const { session, deliveries } of messages) {
      const others = messages
        .filter((one) => one.session === session)
        .map((one) => one.deliveries[0].recipient);
      const connection = server.connections.find((recipients) =>
        recipients.includes(deliveries[0].recipient),
      );
      expect(others.sort()).toEqual([...(connection ?? [])].sort());
    }
    expect(summary).toMatchObject({ exitCode: 0, sessions: 3, error: null, counts: { success: COUNT } });
  });

  test("starts no more sessions than there are messages for the prefix", async () => {
    const server = await startServer(new Gate(2));
    const maildir = maildirWith({
      "new/1": [60, mail("a-one@y")],
      "new/2": [60, mail("b-two@y")],
      "new/3": [60, mail("a-three@y")],
    });
    const run = await deliverMaildir(maildir, ["--sessions", "50", "-s", server.endpoint], "a-");
    expect([run.code, server.connections.length, filesLeft(maildir)]).toEqual([0, 2, ["new/2"]]);
  });

  test("keeps deferrals, and bounces failures after the round with the server's address", async () => {
    const server = await startServer(new Gate(3), (recipient) =>
      recipient < "02" ? "Dno" : recipient < "04" ? "Zlater" : "Kok",
    );
    const maildir = spool();
    const queue = fakeQueue();
    const run = await deliverMaildir(
      maildir,
      ["-b", "--sessions", "3", "-s", server.endpoint],
      "",
      queue.env,
    );
    expect([run.code, filesLeft(maildir)]).toEqual([111, ["new/02", "new/03"]]);
    expect(
      queue.message.match(/^127\.0\.0\.1 /gm)?.length ?? queue.message.match(/127\.0\.0\.1/g)?.length,
    ).toBe(2);
  });

  test("says for each message why none could connect, once", async () => {
    const port = await unusedPort();
    const maildir = spool();
    const run = await deliverMaildir(maildir, ["-q", "--sessions", "8", "-s", `127.0.0.1:${port}`]);
    expect(run).toMatchObject({ code: 111, stdout: "" });
    expect(run.stderr).toMatch(/^qmtp: 24 messages kept: cannot connect to [^\n]+\n$/);
    expect(filesLeft(maildir)).toEqual(NAMES);
  });

  test("sends over the sessions it gets from a server that accepts only some", async () => {
    const [server, maildir] = [await startServer(new Gate(2)), spool()];
    const port = await unusedPort();
    const servers = ["-s", `127.0.0.1:${port}`, "-s", server.endpoint];
    const run = await deliverMaildir(maildir, ["-q", "--sessions", "2", "--spread", ...servers]);
    expect(run).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
    expect([server.connections.length, filesLeft(maildir)]).toEqual([2, []]);
  });

  test("with --spread, deals the sessions out among the servers", async () => {
    const gate = new Gate(4);
    const [one, other] = [await startServer(gate), await startServer(gate)];
    const args = ["--sessions", "4", "-s", one.endpoint, "-s", other.endpoint];
    expect((await deliverMaildir(spool(), ["--spread", ...args])).code).toBe(0);
    expect([one.connections.length, other.connections.length]).toEqual([2, 2]);
    expect((await deliverMaildir(spool(), args)).code).toBe(0);
    expect([one.connections.length, other.connections.length]).toEqual([6, 2]);
  });

  test("reads messages although connections have taken all descriptors", async () => {
    const server = await startServer(new Gate(1));
    const [count, maildir] = [100, temporaryFolder()];
    for (const folder of ["tmp", "new", "cur"]) mkdirSync(`${maildir}/${folder}`);
    for (let number = 0; number < count; number++) {
      const path = `${maildir}/new/${number}`;
      writeFileSync(path, mail(`${number}@y`, "hi\n"));
      utimesSync(path, 1_000, 1_000);
    }
    const limited = `ulimit -n 40; exec "$QMTP" maildir --sessions 100 -s ${server.endpoint} ${maildir}`;
    const { code, stderr } = await shell(limited);
    expect([code, stderr]).toEqual([0, `qmtp: ${count} messages: ${count} success; ${count} removed\n`]);
    expect([server.connections.length > 1, server.connections.length < count]).toEqual([true, true]);
  });

  test("does not warn about many listeners", async () => {
    const [server, maildir] = [await startServer(new Gate(20)), spool()];
    const args = ["maildir", "-q", "--sessions", "24", "-s", server.endpoint, maildir, ""];
    expect(await qmtpProcess(args)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  });
});

describe("qmtp send --split --sessions", () => {
  const RECIPIENTS = Array.from({ length: 12 }, (_, index) => `${index}@y`);
  const send = (...args: string[]) =>
    qmtp(["send", "--split", "-f", "a@x", ...args, ...RECIPIENTS], { input: "Subject: hi\n\nhi\n" });

  test("prints results in the order of the recipients", async () => {
    const server = await startServer(new Gate(4), (recipient) => (recipient === "5@y" ? "Dno" : "Kok"));
    const run = await send("--sessions", "4", "-s", server.endpoint);
    const lines = RECIPIENTS.map((one) => `${one}: ${one === "5@y" ? "failure: no" : "success: ok"}\n`);
    expect(run).toEqual({ code: 100, signal: null, stdout: lines.join(""), stderr: "" });
    expect(server.connections.length).toBe(4);
    expect(server.connections.flat().sort()).toEqual([...RECIPIENTS].sort());
  });

  test("names the sessions in the JSON, and their servers in the log", async () => {
    const gate = new Gate(2);
    const [one, other] = [await startServer(gate), await startServer(gate)];
    const log = `${temporaryFolder()}/log`;
    const servers = ["-s", one.endpoint, "-s", other.endpoint, "--log", log];
    const run = await send("--sessions", "2", "--spread", "--json", ...servers);
    const { sessions, deliveries, error, attempts } = JSON.parse(run.stdout);
    const endpoints = [`qmtp://${one.endpoint}`, `qmtp://${other.endpoint}`];
    expect(
      sessions.map(({ number, server }: { number: number; server: { endpoint: string } }) => [
        number,
        server.endpoint,
      ]),
    ).toEqual([
      [1, endpoints[0]],
      [2, endpoints[1]],
    ]);
    expect([run.code, error, attempts.length]).toEqual([0, null, 1]);
    const logged = readFileSync(log, "utf8").trimEnd().split("\n");
    for (const { index, recipient, session } of deliveries) {
      const server = [one, other][session - 1];
      expect(server?.connections.flat()).toContain(recipient);
      expect(logged[index]).toContain(`\t${endpoints[session - 1]}\t`);
    }
  });

  test("marks the lines of the transcript with the session", async () => {
    const server = await startServer(new Gate(2));
    const { stderr } = await send("--sessions", "2", "-v", "-s", server.endpoint);
    for (const [index, recipients] of server.connections.entries()) {
      const sent = untimed(stderr).filter((line) => /^\[\d\] > .*@y,,$/.test(line));
      const number = sent.find((line) => line.includes(`:${recipients[0]},`))?.slice(0, 3);
      expect(sent.filter((line) => line.startsWith(number as string)).length, `${index}`).toBe(
        recipients.length,
      );
    }
    expect(untimed(stderr).every((line) => line === "" || /^\[[12]\] [*<>] /.test(line))).toBe(true);
  });

  test("defers the recipient whose session broke, and the others get the message", async () => {
    const gate = new Gate(2);
    const [breaking, server] = [await startServer(gate, () => undefined), await startServer(gate)];
    const run = await send("--sessions", "2", "--spread", "-s", breaking.endpoint, "-s", server.endpoint);
    const lines = run.stdout.trimEnd().split("\n");
    const lost = lines.filter((line) => line.endsWith("(the message may have been delivered)"));
    expect([run.code, lost.length, server.connections.flat().length]).toEqual([111, 1, 11]);
    expect(lines.filter((line) => line.endsWith(": success: ok")).length).toBe(11);
  });
});

describe("is a usage error:", () => {
  const send = ["send", "-f", "a@x", "b@y"];
  test.each([
    [[...send, "--sessions", "2"], "--sessions needs --split: without it, there is only one package"],
    [[...send, "--split", "--spread"], "--spread needs --sessions with 2 or more"],
    [["maildir", "/nonexistent", "--spread"], "--spread needs --sessions with 2 or more"],
    [
      ["maildir", "/nonexistent", "--sessions", "2", "-s", "ucspi:"],
      "--sessions: ucspi: is a single connection; name another endpoint",
    ],
    [
      ["maildir", "/nonexistent", "--sessions", "1001"],
      "option '--sessions <n>' does not accept '1001': write a whole number, 1 or more and at most 1000",
    ],
    [
      ["maildir", "/nonexistent", "--sessions", "0"],
      "option '--sessions <n>' does not accept '0': write a whole number, 1 or more and at most 1000",
    ],
  ])("%j", async (args, message) => {
    expect(await qmtp(args)).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${message}\n` });
  });
});
