import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { makeCertificates } from "../../support/certificates.ts";
import { startSink } from "../../support/in-process.ts";
import { brokenNameServer, emptyResponse, skipsDns, startNameServer } from "../../support/name-server.ts";
import { LAUNCHER, stopAll } from "../../support/processes.ts";
import { QMTP_REMOTE, qmailHome, runRemote } from "../../support/remote.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { startTlsSink } from "../../support/tls-sink.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const noDns = skipsDns("qmail-remote's interface with DNS");
const certificates = makeCertificates();
const portOf = (endpoint: string) => endpoint.replace(/^.*:/, "");

/** Stands for qmail-remote: prints its arguments, the message and where descriptor 0 was. */
const SMTP = `#!/bin/sh
printf 'r\\0K'; printf '%s ' "$@"; cat | tr '\\n' '/'; printf '\\n\\0'
`;

/** What it prints for the standard run. */
const bySmtp = (args = "example.org a@example.net b@example.org") => `r\0K${args} Subject: hi//hello/\n\0`;

function homeWithSmtp(control: Record<string, string> = {}, script = SMTP): string {
  const home = qmailHome(control);
  writeFileSync(`${home}/bin/qmail-remote`, script);
  chmodSync(`${home}/bin/qmail-remote`, 0o755);
  return home;
}

describe("by control files", () => {
  test("to the relay in qmtproutes", async () => {
    const sink = await startSink();
    const home = homeWithSmtp({ qmtproutes: `.org:127.0.0.1:${portOf(sink.endpoint)}\n` });
    const run = await runRemote({ home });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.result).toMatch(/^K127\.0\.0\.1 accepted message\.\nRemote host said: ok \d+ qp 1\n$/);
    expect(await sink.nextLine()).toBe("a@example.net -> b@example.org success; 19 bytes, unix");
  });

  test("the server's verdicts become records", async () => {
    const sink = await startSink(["--defer", "^c@", "--reject", "^d@: no such user"]);
    const home = homeWithSmtp({ qmtproutes: `:${sink.endpoint}\n` });
    const recipients = ["b@example.org", "c@example.org", "d@example.org"];
    const { code, stdout } = await runRemote({ home, recipients, sender: "" });
    expect(code).toBe(0);
    expect(stdout.split("\0").map((record) => record.split("\n")[0])).toEqual([
      "r",
      "s127.0.0.1 does not like recipient.",
      "h127.0.0.1 does not like recipient.",
      "K127.0.0.1 accepted message.",
      "",
    ]);
    expect(await sink.nextLine()).toMatch(/^<> -> /);
  });

  test("no other server and no SMTP if the relay cannot be reached", async () => {
    const home = homeWithSmtp({ qmtproutes: "example.org:127.0.0.2:9\n" });
    expect(await runRemote({ home })).toEqual({
      code: 0,
      stderr: "",
      stdout:
        "ZSorry, I wasn't able to establish a QMTP connection: " +
        "cannot connect to qmtp://127.0.0.2:9: connection refused (127.0.0.2). (#4.4.1)\n\0",
      result: expect.stringMatching(/^ZSorry/),
    });
  });

  test("a smtproute is for qmail-remote, which gets everything untouched", async () => {
    const home = homeWithSmtp({ qmtproutes: ":127.0.0.1:9\n", smtproutes: "example.org:relay\n" });
    const run = await runRemote({ home, sender: "", recipients: ["b@example.org", "-c d@example.org"] });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toBe(bySmtp("example.org  b@example.org -c d@example.org"));
  });

  test("an endpoint in full, with options from control/qmtpremoteargs", async () => {
    const sink = await startSink();
    const args = `# the port for relays without one\n-p ${portOf(sink.endpoint)}\n--connect-timeout=5\n-4\n--cacert /none.pem\n`;
    const home = homeWithSmtp({ qmtproutes: ":qmtp://localhost\n", qmtpremoteargs: args });
    expect((await runRemote({ home })).result).toMatch(/^K127\.0\.0\.1 accepted message/);
  });

  test("over TLS, with the certificate in control/qmtpremoteargs; an untrusted server is a deferral", async () => {
    const sink = await startTlsSink(certificates.good);
    const control = { qmtproutes: `:${sink.endpoint}\n` };
    const untrusted = await runRemote({ home: homeWithSmtp(control) });
    expect(untrusted).toMatchObject({ code: 0, stderr: "" });
    expect(untrusted.result).toMatch(/^ZSorry, I wasn't able to .*certificate not valid for '127\.0\.0\.1'/);
    const trusting = { ...control, qmtpremoteargs: `--cacert ${certificates.ca}\n` };
    const run = await runRemote({ home: homeWithSmtp(trusting) });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.result).toMatch(/^K127\.0\.0\.1 accepted message/);
  });

  test.each([
    ["qmtproutes", ":a b\n", "control/qmtproutes, line 1: bad endpoint 'a b': this is not a host name"],
    ["qmtpremoteargs", "relay\n", "control/qmtpremoteargs, line 1: 'relay' is not an option"],
    ["qmtpremoteargs", "--cacert\n-4\n", "qmtpremoteargs, line 1: option '--cacert <file>' needs a value"],
    ["qmtpremoteargs", "--version\n", "control/qmtpremoteargs, line 1: unknown option '--version'"],
    ["qmtpremoteargs", "-4 --version\n", "control/qmtpremoteargs, line 1: unknown option '--version'"],
    ["qmtpremoteargs", "-4\n--nonsense\n", "qmtpremoteargs, line 2: unknown option '--nonsense'"],
    ["qmtpremoteargs", "--timeout x\n", "qmtpremoteargs, line 1: option '--timeout <s>' does not accept 'x'"],
  ])("an error in %s keeps the message, and is logged", async (file, content, why) => {
    const run = await runRemote({ home: homeWithSmtp({ [file]: content }) });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.result).toMatch(/^Z/);
    expect(run.result).toContain(why);
  });

  test("a host without a name is looked up, too, and is for qmail-remote", async () => {
    const run = await runRemote({ home: homeWithSmtp(), host: "", recipients: ["b@"] });
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: bySmtp(" a@example.net b@") });
    const sink = await startSink();
    const home = homeWithSmtp({ qmtproutes: `:${sink.endpoint}\n` });
    expect((await runRemote({ home, host: "", recipients: ["b@"] })).result).toMatch(/^K127\.0\.0\.1 /);
  });
});

describe.skipIf(noDns)("by DNS", () => {
  const RECORDS = ["mx-host=example.org,first.example.org,12801", "host-record=first.example.org,127.0.0.2"];

  async function runWith(records: readonly string[], port: number, script?: string) {
    const env = { DNSCACHEIP: await startNameServer(records) };
    return runRemote({
      home: homeWithSmtp({ me: "me.example.net\n", qmtpremoteargs: `-p ${port}` }, script),
      env,
    });
  }

  const PACKAGE = wirePackage({
    message: "Subject: hi\n\nhello\n",
    sender: "a@example.net",
    recipients: ["b@example.org"],
  });

  test("by QMTP to an exchanger that speaks it", async () => {
    const reply = netstring("Kok 1 qp 2");
    const server = await startScriptedServer({ host: "127.0.0.2", reply, after: PACKAGE.length });
    const run = await runWith(RECORDS, server.port);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toBe("r\0K127.0.0.2 accepted message.\nRemote host said: ok 1 qp 2\n\0");
    expect(server.received).toEqual(PACKAGE);
  });

  test("by SMTP if that exchanger cannot be reached", async () => {
    const elsewhere = await startScriptedServer();
    const run = await runWith(RECORDS, elsewhere.port);
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: bySmtp() });
    expect(elsewhere.connections).toBe(0);
  });

  test("by SMTP if it comes after one that does not speak QMTP", async () => {
    const server = await startScriptedServer({ host: "127.0.0.2" });
    const run = await runWith([...RECORDS, "mx-host=example.org,smtp.example.org,10"], server.port);
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: bySmtp() });
    expect(server.connections).toBe(0);
  });

  test.each([
    ["before it read anything", { close: true, reply: "" }, "Zany"],
    ["in the middle of its response", { close: true, reply: "5:Kok" }, "Possible duplicate! (#4.4.2)"],
  ])("never by SMTP once there was a connection, such as one that is closed %s", async (_, script, said) => {
    const after = script.reply === "" ? 0 : PACKAGE.length;
    const server = await startScriptedServer({ host: "127.0.0.2", after, ...script });
    const run = await runWith(RECORDS, server.port);
    expect(server.connections).toBe(1);
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.result).toMatch(/^ZConnected to 127\.0\.0\.2 but .*\nGiving up on 127\.0\.0\.2\.\n$/);
    if (said !== "Zany") expect(run.result).toContain(said);
  });

  test("not to ourselves, nor to exchangers behind us", async () => {
    const server = await startScriptedServer({ host: "127.0.0.2" });
    const best = await runWith(
      ["mx-host=example.org,me.example.net,12801", "mx-host=example.org,first.example.org,12817"],
      server.port,
    );
    expect(best).toMatchObject({ code: 0, stderr: "" });
    expect(best.stdout).toBe(
      "ZSorry. Although I'm listed as a best-preference MX or A for that host, " +
        "it isn't in my control/locals file, so I don't treat it as local. (#5.4.6)\n\0",
    );
    const address = ["mx-host=example.org,own.example.org,12801", "host-record=own.example.org,127.0.0.1"];
    expect((await runWith(address, server.port)).stdout).toBe(best.stdout);
    expect(server.connections).toBe(0);
  });

  test("not to ourselves with an empty relay in qmtproutes, either", async () => {
    const ourselves = await startScriptedServer();
    const control = { me: "me.example.net\n", qmtproutes: ":\n", qmtpremoteargs: `-p ${ourselves.port}\n` };
    const own = ["mx-host=example.org,own.example.org,12817", "host-record=own.example.org,127.0.0.1"];
    const env = { DNSCACHEIP: await startNameServer([...RECORDS, ...own]) };
    const run = await runRemote({ home: homeWithSmtp(control), env });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.result).toMatch(
      /^ZSorry, I wasn't able to establish .*first\.example\.org:\d+: connection refused/,
    );
    expect(ourselves.connections).toBe(0);
  });

  test("a control file with our name that cannot be read keeps the message, and is logged", async () => {
    const home = homeWithSmtp();
    mkdirSync(`${home}/control/me`);
    const run = await runRemote({ home, env: { DNSCACHEIP: await startNameServer(RECORDS) } });
    expect(run.result).toBe(
      `Zcannot read ${home}/control/me: it is a directory; make it readable for this user\n`,
    );
  });

  test("without a warning, however many exchangers there are", async () => {
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    const env = {
      DNSCACHEIP: await startNameServer(
        numbers.map((number) => `mx-host=example.org,mx${number}.example.org,12801`),
      ),
    };
    const program = [process.execPath, LAUNCHER, "remote"];
    const run = await runRemote({ home: homeWithSmtp(), env, program });
    expect(run).toMatchObject({ code: 0, stderr: "", stdout: bySmtp() });
  });

  test("an empty relay in qmtproutes means its exchangers, but never SMTP", async () => {
    const env = { DNSCACHEIP: await startNameServer(["mx-host=example.org,smtp.example.org,10"]) };
    const none = await runRemote({ home: homeWithSmtp({ qmtproutes: "example.org:\n" }), env });
    expect(none).toMatchObject({ code: 0, stderr: "" });
    expect(none.stdout).toBe("DSorry, no mail exchanger of example.org speaks QMTP. (#5.4.4)\n\0");
    const server = await startScriptedServer({ host: "127.0.0.3" });
    const home = homeWithSmtp({ qmtproutes: "example.org:\n", qmtpremoteargs: `-p ${server.port}\n` });
    const refused = await runRemote({ home, env: { DNSCACHEIP: await startNameServer(RECORDS) } });
    expect(refused.result).toMatch(
      /^ZSorry, I wasn't able to establish a QMTP connection: .* \(#4\.4\.1\)\n$/,
    );
  });

  test("no such host is permanent", async () => {
    expect(await runWith([], 209)).toMatchObject({
      code: 0,
      stderr: "",
      stdout: "DSorry, I couldn't find any host named example.org. (#5.1.2)\n\0",
    });
  });
});

describe("DNS that does not answer is temporary:", () => {
  test("it fails", async () => {
    const dns = await brokenNameServer((question, server, client) =>
      server.send(emptyResponse(question, 2), client.port, client.address),
    );
    expect(await runRemote({ home: homeWithSmtp(), env: { DNSCACHEIP: dns } })).toMatchObject({
      code: 0,
      stderr: "",
      stdout:
        "ZSorry, I cannot look up the mail exchangers of example.org: the name server failed. (#4.4.3)\n\0",
    });
  });

  test("it is silent", async () => {
    const env = { DNSCACHEIP: await brokenNameServer(() => {}) };
    const run = await runRemote({ home: homeWithSmtp({ qmtpremoteargs: "--connect-timeout 0.2\n" }), env });
    expect(run).toMatchObject({
      code: 0,
      stderr: "",
      stdout: "ZSorry, I got no answer from DNS about example.org within 0.2 s. (#4.4.3)\n\0",
    });
  });
});

describe("qmail-remote", () => {
  const smtproutes = { smtproutes: ":relay\n" };

  test.each([
    ["the launcher", [QMTP_REMOTE]],
    ["qmtp remote", [process.execPath, LAUNCHER, "remote"]],
  ])("its output is passed on unchanged, and exit codes but 0 are 111, by %s", async (_, program) => {
    const home = homeWithSmtp(smtproutes);
    expect(await runRemote({ home, program })).toMatchObject({ code: 0, stdout: bySmtp(), stderr: "" });
    for (const [how, code] of [
      ["exit 111", 111],
      ["exit 100", 111],
      ["kill -9 $$", 111],
      ["exit 0", 0],
    ] as const) {
      const script = `#!/bin/sh\nprintf 'half'\n${how}\n`;
      const run = await runRemote({ home: homeWithSmtp(smtproutes, script), program });
      expect(run, how).toMatchObject({ code, stdout: "half", stderr: "" });
    }
  });

  test("its message is at the offset that it was at", async () => {
    const message = "x".repeat(200_000);
    const { stdout } = await runRemote({ home: homeWithSmtp(smtproutes), message });
    expect(stdout).toBe(`r\0Kexample.org a@example.net b@example.org ${message}\n\0`);
  });

  test("QMTP_SMTP_REMOTE names another program", async () => {
    const other = `${homeWithSmtp()}/bin/qmail-remote`;
    const run = await runRemote({ home: qmailHome(smtproutes), env: { QMTP_SMTP_REMOTE: other } });
    expect(run).toMatchObject({ code: 0, stdout: bySmtp(), stderr: "" });
  });

  test("one that is missing keeps the message, and is logged", async () => {
    const home = qmailHome(smtproutes);
    expect(await runRemote({ home })).toMatchObject({
      code: 0,
      stderr: "",
      stdout:
        `Zcannot deliver by SMTP: ${home}/bin/qmail-remote: no such file or directory; ` +
        "name qmail-remote in QMTP_SMTP_REMOTE (#4.3.5)\n\0",
    });
  });

  test.each(["directly", "through a script"])("a loop to ourselves is noticed, %s", async (way) => {
    const home =
      way === "directly"
        ? qmailHome(smtproutes)
        : homeWithSmtp(smtproutes, `#!/bin/sh\nexec "${QMTP_REMOTE}" "$@"\n`);
    const program = way === "directly" ? QMTP_REMOTE : `${home}/bin/qmail-remote`;
    const run = await runRemote({ home, env: { QMTP_SMTP_REMOTE: program } });
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toBe(
      `Zcannot deliver by SMTP: ${program} is qmtp-remote itself; name qmail-remote in QMTP_SMTP_REMOTE (#4.3.5)\n\0`,
    );
  });
});

describe("what indimail's qmail-rspawn passes before the recipients is no recipient:", () => {
  const recipients = (header: string) => [header, "19", "b@example.org"];

  test("the size is ignored", async () => {
    const sink = await startSink();
    const home = homeWithSmtp({ qmtproutes: `:${sink.endpoint}\n` });
    expect((await runRemote({ home, recipients: recipients("") })).stdout).toMatch(/^r\0K127/);
    expect(await sink.nextLine()).toBe("a@example.net -> b@example.org success; 19 bytes, unix");
  });

  test("a header field to add is for its own qmail-remote", async () => {
    const home = homeWithSmtp({ qmtproutes: ":127.0.0.1:9\n" });
    const run = await runRemote({ home, recipients: recipients("X-Y: z") });
    expect(run.stdout).toBe(bySmtp("example.org a@example.net X-Y: z 19 b@example.org"));
  });
});
