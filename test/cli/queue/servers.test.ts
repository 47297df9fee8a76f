import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { makeCertificates } from "../../support/certificates.ts";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { startSink } from "../../support/in-process.ts";
import { stopAll } from "../../support/processes.ts";
import { homeWith, queue, queueHere } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer, unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { startTlsSinkProcess } from "../../support/tls-sink.ts";

afterEach(stopAll);

const certificates = makeCertificates();
const OK = { code: 0, signal: null, stdout: "", stderr: "" };
const TAKEN = "a@x -> b@y success; 3 bytes, unix";
const PACKAGE = "4:\nhi\n,3:a@x,6:3:b@y,,";
const LENGTH = PACKAGE.length;

/** A qmail home whose control/qmtpservers holds these bytes. */
function homeWithText(text: string): Record<string, string> {
  const env = homeWith();
  writeFileSync(`${env.QMAILHOME}/control/qmtpservers`, text, "latin1");
  return env;
}

describe("control/qmtpservers", () => {
  test.each([
    ["one line", (server: string) => `${server}\n`],
    ["no newline at the end", (server: string) => server],
    ["comments and empty lines", (server: string) => `# first\n\n#127.0.0.1:1\n \t\n${server}\n\n# last\n`],
    ["blanks after the server", (server: string) => `${server} \t\n`],
    ["CRLF", (server: string) => `# x\r\n\r\n${server}\r\n`],
    ["a scheme", (server: string) => `qmtp://${server}\n`],
    ["comments that are not UTF-8", (server: string) => `# \xe9\xff\n${server}\n`],
  ])("may have %s", async (_what, textFor) => {
    const server = await startScriptedServer({ reply: "3:Kok,", after: LENGTH });
    expect(await queueHere({ env: homeWithText(textFor(server.endpoint)) })).toEqual(OK);
    expect(server.received.toString()).toBe(PACKAGE);
  });

  test("may name a socket", async () => {
    const path = `${temporaryFolder()}/socket`;
    const sink = await startSink(["--listen", `unix:${path}`]);
    expect(await queueHere({ env: homeWith(`unix:${path}`) })).toEqual(OK);
    expect(await sink.nextLine()).toBe(TAKEN);
  });

  test("may name a command, spaces included", async () => {
    const file = `${temporaryFolder()}/package`;
    const command = `exec:head -c ${LENGTH} > '${file}'; echo 'a  b' >&2; printf 3:Kok,`;
    const sent = await queue({ env: homeWith("# a child", command) });
    expect(sent).toEqual({ ...OK, stderr: "qmail-qmtpc: server: a  b\n" });
    expect(readFileSync(file, "utf8")).toBe(PACKAGE);
  });

  test("may name a TLS server, which is verified against SSL_CERT_FILE", async () => {
    const sink = await startTlsSinkProcess(certificates.good);
    expect(sink.endpoint).toMatch(/^qmtps:/);
    const trusted = await queueHere({ env: { ...homeWith(sink.endpoint), SSL_CERT_FILE: certificates.ca } });
    expect(trusted).toEqual(OK);
    expect(await sink.nextLine()).toBe(TAKEN);
    const strange = await startTlsSinkProcess(certificates.stranger);
    const env = { ...homeWith(strange.endpoint), SSL_CERT_FILE: certificates.ca };
    expect(await queueHere({ env })).toMatchObject({ code: 73, stdout: "" });
    expect((await strange.stop()).stdout).toBe("");
  });

  test("leaves the port to --port", async () => {
    const server = await startScriptedServer({ reply: "3:Kok,", after: LENGTH });
    const args = ["--port", String(server.port)];
    expect(await queueHere({ env: homeWith("127.0.0.1"), args })).toEqual(OK);
    expect(server.connections).toBe(1);
  });
});

describe("with several servers", () => {
  test("they are tried in the order of the lines until one accepts a connection", async () => {
    const [first, second] = [await startSink(), await startScriptedServer()];
    const lines = [
      `127.0.0.1:${await unusedPort()}`,
      "unix:/none",
      `127.0.0.1:${await portThatNeverAnswers()}`,
      first.endpoint,
      second.endpoint,
    ];
    expect(await queueHere({ env: homeWith(...lines), args: ["--connect-timeout", "1"] })).toEqual(OK);
    expect(await first.nextLine()).toBe(TAKEN);
    expect(second.connections).toBe(0);
  });

  test("the next one is not tried once a byte has been sent", async () => {
    const rows: ReadonlyArray<[object, number]> = [
      [{ reply: "", close: true }, 74],
      [{ reply: "6:Zlater," }, 71],
      [{ reply: "3:Dno," }, 31],
      [{ reply: "rubbish" }, 74],
    ];
    for (const [script, code] of rows) {
      const first = await startScriptedServer({ ...script, after: LENGTH });
      const second = await startScriptedServer({ reply: "3:Kok,", after: LENGTH });
      expect(await queueHere({ env: homeWith(first.endpoint, second.endpoint) })).toMatchObject({ code });
      expect([first.connections, second.connections]).toEqual([1, 0]);
    }
  });

  test("a bad line ends the run before any connection", async () => {
    const server = await startScriptedServer({ reply: "3:Kok,", after: LENGTH });
    expect(await queueHere({ env: homeWith(server.endpoint, "qmtp://") })).toMatchObject({ code: 55 });
    expect(server.connections).toBe(0);
  });

  test("if none can be reached, the line names them all", async () => {
    const [port, full] = [await unusedPort(), await portThatNeverAnswers()];
    const args = ["--connect-timeout", "0.3"];
    const refused = `cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
    const late = `cannot connect to qmtp://127.0.0.1:${full}: no connection within 0.3 s`;
    const lines = [`127.0.0.1:${port}`, `127.0.0.1:${full}`];
    for (const [servers, reasons] of [
      [lines, [refused, late]],
      [lines.toReversed(), [late, refused]],
    ] as const) {
      const sent = await queueHere({ env: homeWith(...servers), args });
      expect(sent).toMatchObject({
        code: expect.toSatisfy((code: number) => code === 72 || code === 73),
        stderr: `qmail-qmtpc: b@y: deferral: ${reasons.join("; ")}\n`,
      });
    }
  });
});

describe("control/qmtpservers is overridden by", () => {
  const spoiled = () => homeWith("qmtp://");

  test("QMTP_SERVER, whose servers are tried in turn", async () => {
    const server = await startScriptedServer({ reply: "3:Kok,", after: LENGTH });
    const env = { ...spoiled(), QMTP_SERVER: `127.0.0.1:${await unusedPort()} ${server.endpoint}` };
    expect(await queueHere({ env })).toEqual(OK);
    expect(server.received.toString()).toBe(PACKAGE);
  });

  test("--server, which overrides QMTP_SERVER too", async () => {
    const server = await startScriptedServer({ reply: "3:Kok,", after: LENGTH });
    const env = { ...spoiled(), QMTP_SERVER: "qmtp://" };
    expect(await queueHere({ env, args: ["-s", server.endpoint] })).toEqual(OK);
    expect(server.received.toString()).toBe(PACKAGE);
  });

  test("but not by a blank QMTP_SERVER", async () => {
    for (const QMTP_SERVER of ["", " \n"]) {
      const server = await startScriptedServer({ reply: "3:Kok,", after: LENGTH });
      expect(await queueHere({ env: { ...homeWith(server.endpoint), QMTP_SERVER } })).toEqual(OK);
      expect(server.connections).toBe(1);
    }
  });
});

test("a qmail home whose path leads through a file counts as missing: exit code 55", async () => {
  const file = `${temporaryFolder()}/file`;
  writeFileSync(file, "");
  const sent = await queueHere({ env: { QMAILHOME: file } });
  expect(sent).toMatchObject({ code: 55, stdout: "" });
  expect(sent.stderr).toBe(
    `qmail-qmtpc: no server: name one in ${file}/control/qmtpservers, or in QMTP_SERVER\n`,
  );
});
