import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { connectTo, everythingFrom, exchange } from "../../support/exchange.ts";
import { qmtp, startSink as startSinkHere } from "../../support/in-process.ts";
import { printed, qmtp as startedQmtp, startSink, stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

describe("bytes that are not a package end the connection, with a line that says what is wrong and at which byte", () => {
  const head = "3:\nhi,3:a@x,";
  const rows: ReadonlyArray<[string, string, number]> = [
    ["GET / HTTP/1.1\r\n", "no digit at the start of the length of a message", 0],
    ["3;\nhi,", "no digit in the length of a message", 1],
    [":", "no digit at the start of the length of a message", 0],
    ["03:\nhi,", "leading zero in the length of a message", 1],
    ["99999999999", "the length of a message is over the maximum of 9999999999 bytes", 10],
    ["0:,", "a message that begins with neither \\x0a nor \\x0d", 2],
    ["3:Xhi,", "a message that begins with neither \\x0a nor \\x0d", 2],
    ["3:\nhi;", "no comma at the end of a message", 5],
    ["3:\nhi,x", "no digit at the start of the length of a sender", 6],
    ["3:\nhi,65537:", "the length of a sender is over the maximum of 65536 bytes", 10],
    ["3:\nhi,3:a@x;", "no comma at the end of a sender", 11],
    [`${head}0:,`, "a package without recipients", 13],
    [`${head}6:3:b@y;,`, "no comma at the end of a recipient", 19],
    [`${head}6:9:b@y,,`, "a recipient that reaches beyond the list of recipients", 20],
    [`${head}6:3:b@y,;`, "no comma at the end of a list of recipients", 20],
  ];
  test("each kind, one client after the other", async () => {
    const sink = await startSink();
    for (const [bytes, what, at] of rows) {
      const line = `: ${what}, at byte ${at}; connection closed\n`;
      const said = printed(sink.child.stderr, /^qmtp: 127\.0\.0\.1 port \d+(: .*\n)$/);
      const client = await connectTo(sink.endpoint);
      const answered = everythingFrom(client);
      // Our side stays open: the sink must close first.
      client.write(bytes, "latin1");
      client.once("end", () => client.end());
      expect((await answered).toString(), bytes).toBe("");
      expect((await said)[1], bytes).toBe(line);
    }
    expect(await sink.stop()).toMatchObject({ code: 0, stdout: "" });
  });

  test("the packages before them get their responses", async () => {
    const sink = await startSinkHere();
    const bytes = Buffer.concat([wirePackage({ message: "hi" }), Buffer.from("x")]);
    expect(await exchange(sink.endpoint, bytes)).toMatch(/^19:Kok \d{10} qp 1,$/);
    const { stderr, stdout } = await sink.stop();
    expect(stderr).toContain(
      `: no digit at the start of the length of a message, at byte ${bytes.length - 1};`,
    );
    expect(stdout).toBe("a@x -> b@y success; 2 bytes, unix\n");
  });
});

test("a client idle for --timeout is dropped, with a line", async () => {
  const sink = await startSink(["--timeout", "0.3"]);
  const said = printed(sink.child.stderr, /port \d+: idle for 0\.3 s; connection closed\n/);
  const client = await connectTo(sink.endpoint);
  const answered = everythingFrom(client);
  client.write(wirePackage({ message: "hi" }).subarray(0, 6));
  expect((await answered).toString()).toBe("");
  await said;
});

describe.each(["SIGTERM", "SIGINT"] as const)("%s stops the sink with exit code 0", (signal) => {
  test("when it is idle", async () => {
    const sink = await startSink();
    const stderr = `qmtp: listening on ${sink.endpoint}\n`;
    expect(await sink.stop(signal)).toEqual({ code: 0, signal: null, stdout: "", stderr });
  });

  test("when clients are connected, between packages or inside one: they see end of file", async () => {
    const sink = await startSink();
    const idle = await connectTo(sink.endpoint);
    const halfway = await connectTo(sink.endpoint);
    const ends = [everythingFrom(idle), everythingFrom(halfway)];
    const pkg = wirePackage({ message: "hi" });
    halfway.write(Buffer.concat([pkg, pkg.subarray(0, 6)]));
    await sink.nextLine();
    const stopped = sink.stop(signal);
    const [nothing, response] = (await Promise.all(ends)).map(String);
    expect(nothing).toBe("");
    expect(response).toMatch(/^19:Kok \d{10} qp 1,$/);
    const stdout = "a@x -> b@y success; 2 bytes, unix\n";
    expect(await stopped).toMatchObject({ code: 0, signal: null, stdout });
  });

  test("when packages await responses, which are still sent", { timeout: 5_000 }, async () => {
    const sink = await startSink(["--delay", "200"]);
    const client = await connectTo(sink.endpoint);
    const answered = everythingFrom(client);
    const pkg = wirePackage({ message: "hi" });
    client.write(Buffer.concat([pkg, pkg]));
    await sink.nextLine();
    const stopped = sink.stop(signal);
    expect((await answered).toString()).toMatch(/^19:Kok \d{10} qp 1,19:Kok \d{10} qp 2,$/);
    expect(await stopped).toMatchObject({ code: 0, signal: null });
  });
});

describe("a sink that cannot run as asked says so in one line, and does not listen", () => {
  const refused = async (args: readonly string[], run = qmtp) => {
    const { code, signal, stdout, stderr } = await run(["sink", "--listen", "127.0.0.1:0", ...args]);
    expect({ signal, stdout }).toEqual({ signal: null, stdout: "" });
    return { code, stderr };
  };

  test("an address in use", async () => {
    const { port } = await startScriptedServer();
    expect(await refused(["--listen", `127.0.0.1:${port}`], startedQmtp)).toEqual({
      code: 111,
      stderr: `qmtp: cannot listen on qmtp://127.0.0.1:${port}: the address is already in use; name another endpoint with --listen\n`,
    });
  });

  test("a unix socket in use, which is left alone", async () => {
    const path = `${temporaryFolder()}/sink.sock`;
    await startSinkHere(["--listen", `unix:${path}`]);
    const { code, stderr } = await refused(["--listen", `unix:${path}`]);
    expect(stderr).toMatch(/^qmtp: cannot listen on unix:\S+: the address is already in use; .+\n$/);
    expect(code).toBe(111);
    expect(await exchange(`unix:${path}`, wirePackage({ message: "" }))).toMatch(/^19:Kok/);
  });

  test("something that is no socket, which is left alone", async () => {
    const path = `${temporaryFolder()}/sink.sock`;
    writeFileSync(path, "precious");
    const { code, stderr } = await refused(["--listen", `unix:${path}`]);
    expect(stderr).toMatch(/: the address is already in use; .+\n$/);
    expect([code, readFileSync(path, "utf8")]).toEqual([111, "precious"]);
  });

  test("a maildir inside a file", async () => {
    expect(await refused(["--maildir", "/dev/null/mail"])).toEqual({
      code: 111,
      stderr: expect.stringMatching(
        /^qmtp: cannot create the maildir \/dev\/null\/mail: not a directory; .+\n$/,
      ),
    });
  });

  test.each([
    [
      ["--reject", "("],
      /^option '--reject <regex>' does not accept '\(': missing closing \): `\(`; write a regular .+ of RE2$/,
    ],
    [
      ["--defer", "x", "--defer", "[z-a]: no"],
      /^option '--defer <regex>' does not accept '\[z-a\]: no': .+$/,
    ],
    [["--reject", "^(?!x)"], /^option '--reject <regex>' does not accept '\^\(\?!x\)': .+ of RE2$/],
    [["--fault-rate", "5"], /^--fault-rate needs --fault$/],
    [["--seed", "5"], /^--seed needs --fault$/],
    [
      ["--fault", "drip", "--fault-rate", "101"],
      /^option '--fault-rate <percent>' does not accept '101': .+ 100$/,
    ],
    [
      ["--max-bytes", "many"],
      /^option '--max-bytes <n>' does not accept 'many': write a whole number, 0 or more$/,
    ],
    [["--max-recipients", "0"], /^option '--max-recipients <n>' does not accept '0': .+, 1 or more$/],
    [["--exit-after", "1.5"], /^option '--exit-after <n>' does not accept '1\.5': .+, 1 or more$/],
    [["--delay", "-1"], /^option '--delay <ms>' does not accept '-1': .+, 0 or more and at most 2000000000$/],
    [
      ["--delay", "3000000000"],
      /^option '--delay <ms>' does not accept '3000000000': .+ at most 2000000000$/,
    ],
    [["--timeout", "0"], /^option '--timeout <s>' does not accept '0': .+$/],
    [["--fault", "slow"], /^option '--fault <name>' does not accept 'slow'; see qmtp sink --help$/],
    [["--fault", "drp"], /^option '--fault <name>' does not accept 'drp' \(did you mean drip\?\); see .+$/],
    [["--listen", "exec:x"], /^cannot listen on exec:; give --listen another endpoint$/],
    [
      ["--listen", "127.0.0.1:65536"],
      /^bad endpoint '127\.0\.0\.1:65536': a port is a number from 0 to 65535; .+$/,
    ],
    [["--listn", "x"], /^unknown option '--listn' \(did you mean --listen\?\); see qmtp sink --help$/],
  ])("%j", async (args, line) => {
    const { code, stderr } = await refused(args);
    expect(stderr).toMatch(/^qmtp: .+\n$/);
    expect(stderr.slice("qmtp: ".length, -1)).toMatch(line);
    expect(code).toBe(100);
  });
});
