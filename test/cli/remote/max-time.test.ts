import { afterEach, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { brokenNameServer } from "../../support/name-server.ts";
import { environment, finished, start, stopAll } from "../../support/processes.ts";
import { QMTP_REMOTE, qmailHome } from "../../support/remote.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

/** Runs it with --max-time in control/qmtpremoteargs; its standard input is a pipe. */
async function remote(
  control: Record<string, string>,
  input: string | undefined,
  env: NodeJS.ProcessEnv = {},
) {
  const home = qmailHome({ qmtpremoteargs: "--max-time=1\n", ...control });
  const args = [QMTP_REMOTE, "example.org", "a@x", "b@y"];
  const child = start(process.execPath, args, {
    env: environment({ QMAILHOME: home, ...env }),
    stdio: "pipe",
  });
  const done = finished(child);
  child.stdin?.on("error", () => {});
  if (input !== undefined) child.stdin?.end(input);
  const { code, stdout } = await done;
  expect(code).toBe(0);
  return stdout.replaceAll("\0", "|");
}

test("--max-time ends connecting: a temporary failure", async () => {
  const server = `127.0.0.1:${await portThatNeverAnswers()}`;
  expect(await remote({ qmtproutes: `:${server}\n` }, "hi\n")).toMatch(
    /^Z.*cannot connect to qmtp:\/\/127\.0\.0\.1:\d+: no connection within 1 s\. \(#4\.4\.1\)\n\|$/,
  );
});

test("--max-time ends the questions to a name server: a temporary failure, and no SMTP", async () => {
  const dns = await brokenNameServer(() => {});
  expect(await remote({}, "hi\n", { DNSCACHEIP: dns })).toMatch(
    /^Z.* no connection within 1 s\. \(#4\.4\.1\)\n\|$/,
  );
});

test("--max-time ends the reading of the message, and nothing is sent", async () => {
  const server = await startScriptedServer();
  expect(await remote({ qmtproutes: `:${server.endpoint}\n` }, undefined)).toMatch(
    /^Znothing was read from the message within 1 s \(#4\.3\.0\)\n\|$/,
  );
  expect(server.received.length).toBe(0);
});

test("--max-time ends the wait for a response: a temporary failure", async () => {
  const { length } = wirePackage({ message: "hi\n" });
  const server = await startScriptedServer({ reply: "3:K", after: length });
  expect(await remote({ qmtproutes: `:${server.endpoint}\n` }, "hi\n")).toMatch(
    /no response came within 1 s/,
  );
});
