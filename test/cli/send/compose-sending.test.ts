import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { finished, LAUNCHER, startQmtp, stopAll } from "../../support/processes.ts";
import { startReceivingServer } from "../../support/receiving-server.ts";
import { unusedPort } from "../../support/scripted-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { onTerminal } from "../../support/terminal.ts";
import { readMail, skipsMailReader, valuesOf } from "./mail-reader.ts";

afterEach(stopAll);

const noReader = skipsMailReader("stored composed messages, as a mail program shows them");
const COMPOSE = ["-f", "a@x", "--subject", "Grüße", "--body", "hi"];

describe("standard input", () => {
  test.each([["--body"], ["--test"]])("is not waited for with %s if it is an open pipe", async (option) => {
    const server = await startReceivingServer();
    const args = [option, ...(option === "--body" ? ["hi"] : [])];
    const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", ...args, "b@y"], {
      stdio: "pipe",
    });
    // Its standard input stays open until it has exited.
    const sent = await finished(child);
    expect(sent).toEqual({ code: 0, signal: null, stdout: "b@y: success: ok\n", stderr: "" });
    child.stdin?.destroy();
  });

  test.each([
    ["--body", "hi"],
    ["--attach", "/dev/null"],
    ["--html", "/dev/null"],
  ])("is not waited for if it is a terminal and there is %s", async (option, value) => {
    const server = await startReceivingServer();
    // It must not wait for the end of file that onTerminal types: the shell reads what is left.
    const shown = await onTerminal(
      `"$QMTP" send -s ${server.endpoint} -f a@x --subject s ${option} ${value} b@y && read line; echo "read: $line"`,
      { NO_COLOR: "1" },
      "left over\n",
    );
    expect(shown.stdout).not.toContain("reading the message");
    expect(shown.stdout).toContain("b@y: success: ok\r\n");
    expect(shown.stdout).toContain("read: left over\r\n");
    expect(server.packages.map(({ message }) => message.includes("left over"))).toEqual([false]);
  });

  test.each([["--subject s"], ["--header X-One:1"]])(
    "is prompted for if it is a terminal and there is only %s",
    async (option) => {
      const server = await startReceivingServer();
      const command = `"$QMTP" send -s ${server.endpoint} -f a@x ${option} b@y`;
      const shown = await onTerminal(command, { NO_COLOR: "1" }, "typed\n");
      const hint = "qmtp: reading the message from the terminal; end it with Ctrl-D on a new line\r\n";
      expect(shown.stdout).toContain(hint);
      expect(shown.stdout).toContain("b@y: success: ok\r\n");
      expect(server.packages[0]?.message.toString()).toMatch(/\n\ntyped\n$/);
    },
  );

  test("is read to its end if it is a pipe and no option gives the text", async () => {
    const server = await startReceivingServer();
    const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", "--subject", "s", "b@y"], {
      stdio: "pipe",
    });
    child.stdin?.write("first\n");
    child.stdin?.end("last\n");
    expect((await finished(child)).code).toBe(0);
    expect(server.packages[0]?.message.toString()).toMatch(/\n\nfirst\nlast\n$/);
  });
});

describe("a composed message", () => {
  test("is printed by --dry-run, without a connection", async () => {
    const server = await startReceivingServer();
    const args = ["send", "-n", "-s", server.endpoint, ...COMPOSE, "--cc", "c@z", "b@y"];
    const sent = await qmtp(args);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    expect(sent.stdout).toContain("a@x");
    expect(sent.stdout.indexOf("b@y")).toBeLessThan(sent.stdout.indexOf("c@z"));
    expect(sent.stdout).toContain("=?UTF-8?");
    const json = JSON.parse((await qmtp([...args, "--json"])).stdout);
    expect(json.message).toMatchObject({ source: "composed", encoding: "unix" });
    expect(server.connections).toBe(0);
  });

  test("is reported by --json with its source and its size on the wire", async () => {
    const server = await startReceivingServer();
    const sent = await qmtp(["send", "--json", "-s", server.endpoint, ...COMPOSE, "--cc", "c@z", "b@y"]);
    expect(JSON.parse(sent.stdout)).toMatchObject({
      outcome: "success",
      message: { source: "composed", bytes: server.packages[0]?.message.length, encoding: "unix" },
      deliveries: [{ recipient: "b@y" }, { recipient: "c@z" }],
    });
  });

  test("is the same in each package of --split", async () => {
    const server = await startReceivingServer();
    const sent = await qmtp([
      "send",
      "--split",
      "-s",
      server.endpoint,
      ...COMPOSE,
      "--cc",
      "c@z",
      "b@y",
      "d@y",
    ]);
    expect(sent.code).toBe(0);
    expect(server.packages.map(({ recipients }) => recipients)).toEqual([["b@y"], ["d@y"], ["c@z"]]);
    const [first, ...others] = server.packages.map(({ message }) => message.toString());
    expect(others).toEqual([first, first]);
  });

  test("goes only once to a recipient who is also in Cc", async () => {
    const server = await startReceivingServer();
    await qmtp(["send", "-s", server.endpoint, ...COMPOSE, "--cc", "B <b@Y>, c@z, c@z", "b@y"]);
    expect(server.packages[0]?.recipients).toEqual(["b@y", "c@z"]);
  });

  test("goes to those in Cc alone if there is no other recipient", async () => {
    const server = await startReceivingServer();
    const sent = await qmtp(["send", "-s", server.endpoint, ...COMPOSE, "--cc", "c@z"]);
    expect(sent).toMatchObject({ code: 0, stdout: "c@z: success: ok\n", stderr: "" });
    expect(server.packages[0]?.recipients).toEqual(["c@z"]);
  });

  test.skipIf(noReader)("is spooled for every recipient, those in Cc included", async () => {
    const spool = `${temporaryFolder()}/spool`;
    const endpoint = `127.0.0.1:${await unusedPort()}`;
    const sent = await qmtp(["send", "-s", endpoint, "--spool", spool, ...COMPOSE, "--cc", "c@z", "b@y"]);
    expect(sent).toMatchObject({ code: 0, stderr: "" });
    const files = readdirSync(`${spool}/new`).map((name) => readFileSync(`${spool}/new/${name}`));
    const mails = files.map((file) => readMail(file));
    expect(mails.flatMap((mail) => valuesOf(mail, "delivered-to")).sort()).toEqual(["b@y", "c@z"]);
    expect(mails.map((mail) => [valuesOf(mail, "subject"), mail.parts[0]?.content.toString()])).toEqual([
      [["Grüße"], "hi\n"],
      [["Grüße"], "hi\n"],
    ]);
  });

  test.skipIf(noReader)("is readable in the sink's maildir", async () => {
    const maildir = `${temporaryFolder()}/mail`;
    const sink = await startSink(["--maildir", maildir]);
    const file = `${temporaryFolder()}/data 😀.bin`;
    writeFileSync(file, "\0\r\n\xff", "latin1");
    const args = ["send", "-s", sink.endpoint, "--encoding", "dos", ...COMPOSE, "--attach", file, "b@y"];
    expect((await qmtp(args)).code).toBe(0);
    const [name] = readdirSync(`${maildir}/new`);
    const mail = readMail(readFileSync(`${maildir}/new/${name}`));
    expect(mail.parts.map((part) => [part.filename, part.content.toString("latin1")])).toEqual([
      [null, "hi\n"],
      ["data 😀.bin", "\0\r\n\xff"],
    ]);
  });
});

test("the libraries that compose messages and parse addresses are loaded only when needed", async () => {
  const server = await startReceivingServer();
  const hook = `${temporaryFolder()}/loaded.cjs`;
  writeFileSync(hook, `process.on("exit",()=>console.error(Object.keys(require.cache).join("\\n")))`);
  const loaded = async (...args: string[]) => {
    const child = startQmtp(["send", "-s", server.endpoint, "-f", "a@x", ...args, "b@y"], {
      env: { NODE_OPTIONS: `--require ${hook}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { code, stderr } = await finished(child);
    expect(code).toBe(0);
    const dist = LAUNCHER.replace("bin/qmtp", "dist/");
    return stderr.split("\n").filter((path) => path.startsWith(dist) && !path.endsWith("/start.js"));
  };
  expect((await loaded()).map((path) => path.replace(/.*\//, ""))).toEqual([]);
  const composing = await loaded("--subject", "s", "--cc", "c@z");
  expect(composing.map((path) => path.replace(/.*\//, "")).sort()).toEqual([
    "addressparser.js",
    "mail-composer.js",
  ]);
});
