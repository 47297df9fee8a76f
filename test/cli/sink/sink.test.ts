import { existsSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { connectTo, everythingFrom, exchange } from "../../support/exchange.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { qmtp as startedQmtp, startSink as startSinkProcess, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const REFUSED = netstring("Dsorry, this recipient is refused here (#5.7.1)").toString();
const DEFERRED = netstring("Zsorry, this recipient is deferred here (#4.3.0)").toString();
const TOO_MANY = netstring("Dsorry, that package has too many recipients (#5.5.3)").toString();
const TOO_LARGE = netstring("Dsorry, that message size exceeds my limit (#5.3.4)").toString();
/** The responses, with the timestamps masked. */
const timeless = (responses: string) => responses.replace(/ok \d{10} qp/g, "ok TIME qp");

test("sends one response per recipient, in order, for each package of a connection", async () => {
  const sink = await startSink(["--reject", "@no\\.", "--defer", "^later"]);
  const recipients = ["b@y", "later@y", "b@no.example", "b@y"];
  const packages = [
    wirePackage({ message: "hi\n", recipients }),
    wirePackage({ message: "hi\r\n", encoding: "\r", sender: "" }),
  ];
  const responses = timeless(await exchange(sink.endpoint, Buffer.concat(packages)));
  const [first, second] = ["19:Kok TIME qp 1,", "19:Kok TIME qp 2,"];
  expect(responses).toBe(`${first}${DEFERRED}${REFUSED}${first}${second}`);
  expect(await sink.nextLine()).toBe(
    "a@x -> b@y success, later@y deferral, b@no.example failure, b@y success; 3 bytes, unix",
  );
  expect(await sink.nextLine()).toBe("<> -> b@y success; 4 bytes, dos");
});

test("--json prints each package as an object on one line", async () => {
  const sink = await startSink(["--json", "--reject", "^no", "--max-recipients", "3"]);
  const recipients = ["b@y", "no@y", Buffer.from([0x62, 0xff]), "d@y"];
  await exchange(sink.endpoint, wirePackage({ message: "hi", recipients, sender: "" }));
  const text = expect.stringMatching(/^ok \d+ qp 1$/) as string;
  expect(JSON.parse(await sink.nextLine())).toEqual({
    schema: 1,
    type: "package",
    sender: "",
    recipients: [
      { index: 0, recipient: "b@y", status: "success", text },
      {
        index: 1,
        recipient: "no@y",
        status: "failure",
        text: "sorry, this recipient is refused here (#5.7.1)",
      },
      { index: 2, recipient: "b\\xff", recipientBase64: "Yv8=", status: "success", text },
    ],
    surplusRecipients: 1,
    bytes: 2,
    encoding: "unix",
    client: { number: 1, address: "127.0.0.1", port: expect.any(Number) as number },
    faults: [],
  });
});

test("an address cannot send control sequences to the terminal", async () => {
  const sink = await startSink();
  await exchange(
    sink.endpoint,
    wirePackage({ message: "", sender: "\x1b[2J", recipients: ["b\n@y", "c@\x9b"] }),
  );
  expect(await sink.nextLine()).toBe("\\x1b[2J -> b\\x0a@y failure, c@\\xc2\\x9b success; 0 bytes, unix");
});

test("--max-bytes accepts messages of exactly that size and refuses larger ones", async () => {
  const sink = await startSink(["--max-bytes", "4"]);
  const packages = ["1234", "12345"].map((message) => wirePackage({ message, recipients: ["b@y", "c@y"] }));
  const responses = timeless(await exchange(sink.endpoint, Buffer.concat(packages)));
  expect(responses).toBe(`${"19:Kok TIME qp 1,".repeat(2)}${TOO_LARGE.repeat(2)}`);
});

test("--max-recipients refuses the surplus recipients, and reports how many", async () => {
  const sink = await startSink(["--max-recipients", "2"]);
  const pkg = wirePackage({ message: "", recipients: ["1@y", "2@y", "3@y", "4@y"] });
  const responses = timeless(await exchange(sink.endpoint, pkg));
  expect(responses).toBe(`${"19:Kok TIME qp 1,".repeat(2)}${TOO_MANY.repeat(2)}`);
  expect(await sink.nextLine()).toBe("a@x -> 1@y success, 2@y success, 2 more failure; 0 bytes, unix");
});

test("--exit-after stops the sink after that many packages, with exit code 0", async () => {
  const sink = await startSinkProcess(["--exit-after", "2"]);
  const send = ["send", "-s", sink.endpoint, "-f", "a@x", "--split", "b@y", "c@y"];
  const sent = await startedQmtp(send);
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  const { code, stdout } = await sink.done;
  expect(code).toBe(0);
  expect(stdout).toBe("a@x -> b@y success; 0 bytes, unix\na@x -> c@y success; 0 bytes, unix\n");
});

test("--delay holds back the responses to every package", async () => {
  const sink = await startSink(["--delay", "300"]);
  const sent = await qmtp(["send", "--json", "-s", sink.endpoint, "-f", "a@x", "b@y"]);
  const { timing, outcome } = JSON.parse(sent.stdout);
  expect(outcome).toBe("success");
  expect(timing.responseMs).toBeGreaterThan(250);
});

test("many clients are served at once, and slow ones do not hold up the rest", async () => {
  const sink = await startSink();
  const pkg = wirePackage({ message: "hi" });
  const slow = await Promise.all(Array.from({ length: 50 }, () => connectTo(sink.endpoint)));
  for (const socket of slow) socket.write(pkg.subarray(0, 5));
  expect(timeless(await exchange(sink.endpoint, pkg))).toBe("19:Kok TIME qp 1,");
});

test("each line names the client", async () => {
  const sink = await startSinkProcess();
  const ports: number[] = [];
  for (const bytes of [wirePackage({ message: "hi\n" }), "x"]) {
    const client = await connectTo(sink.endpoint);
    ports.push(client.localPort as number);
    const answered = everythingFrom(client);
    client.end(bytes);
    await answered;
  }
  sink.child.kill("SIGTERM");
  const { stdout, stderr } = await sink.raw;
  expect(stdout).toBe(`127.0.0.1 port ${ports[0]}: a@x -> b@y success; 3 bytes, unix\n`);
  expect(stderr).toContain(`\nqmtp: 127.0.0.1 port ${ports[1]}: no digit`);
});

describe("a unix socket", () => {
  test("is listened on, announced, and removed at the end", async () => {
    const path = `${temporaryFolder()}/sink.sock`;
    const sink = await startSinkProcess(["--listen", `unix:${path}`]);
    expect(timeless(await exchange(`unix:${path}`, wirePackage({ message: "" })))).toBe("19:Kok TIME qp 1,");
    const { code, stderr } = await sink.stop();
    expect({ code, stderr }).toEqual({ code: 0, stderr: `qmtp: listening on unix:${path}\n` });
    expect(existsSync(path)).toBe(false);
  });

  test("is replaced if the sink that made it was killed", async () => {
    const path = `${temporaryFolder()}/sink.sock`;
    const killed = await startSinkProcess(["--listen", `unix:${path}`]);
    await killed.stop("SIGKILL");
    expect(existsSync(path)).toBe(true);
    await startSink(["--listen", `unix:${path}`]);
    expect(timeless(await exchange(`unix:${path}`, wirePackage({ message: "" })))).toBe("19:Kok TIME qp 1,");
  });
});
