import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { isInstalled, PROGRAMS } from "../../support/installed.ts";
import {
  environment,
  finished,
  LAUNCHER,
  printed,
  qmtp,
  startGroup,
  startQmtp,
  stopAll,
} from "../../support/processes.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const noTcpserver = !isInstalled("tcpserver") && !process.env.CI;
if (noTcpserver) console.log("skipped: the sink under tcpserver (needs the Debian package ucspi-tcp)");

const PACKAGE = wirePackage({ message: "hi\n", recipients: ["b@y", "no@y"] });
const SINK = ["sink", "--listen", "ucspi:", "--reject", "^no@"];
const LINES = /^client 1: a@x -> b@y success, no@y failure; 3 bytes, unix\n$/;

test("a sink reads packages from standard input and responds on standard output", async () => {
  const run = await qmtp(SINK, { input: PACKAGE });
  expect(run).toMatchObject({ code: 0, signal: null });
  expect(run.stdout).toMatch(/^\d+:Kok \d+ qp 1,\d+:D[^,]+, this recipient is refused here \(#5\.7\.1\),$/);
  expect(run.stderr).toMatch(LINES);
});

test("a sink prints nothing for empty input", async () => {
  expect(await qmtp(SINK)).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
});

test("SIGTERM ends a sink that is waiting for a package", async () => {
  const child = startQmtp(SINK);
  const done = finished(child);
  child.stdin?.write(PACKAGE);
  await printed(child.stderr, /no@y/);
  child.kill("SIGTERM");
  expect(await done).toMatchObject({ code: 0, signal: null, stderr: expect.stringMatching(LINES) });
});

test.skipIf(noTcpserver)("under tcpserver, a client that hangs up does not disturb the next", async () => {
  const args = ["-1RHl0", "127.0.0.1", "0", process.execPath, LAUNCHER, ...SINK];
  const server = startGroup("tcpserver", args, {
    env: environment({ PATH: PROGRAMS }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const reported = printed(server.stderr, /3 bytes, unix\n/).then(({ input }) => input);
  const [, port] = await printed(server.stdout, /^(\d+)\n/);
  const client = connect(Number(port), "127.0.0.1");
  client.end(PACKAGE.subarray(0, 10)).resume();
  await once(client, "close");
  const sent = await qmtp(["send", "-f", "a@x", "-s", `127.0.0.1:${port}`, "b@y", "no@y"], {
    input: "hi\n",
  });
  expect(sent).toMatchObject({ code: 100, signal: null, stderr: "" });
  expect(sent.stdout).toMatch(/^b@y: success: ok \d+ qp 1\nno@y: failure: [^\n]+\n$/);
  const lines = await reported;
  expect(lines).toMatch(/^127\.0\.0\.1 port \d+: a@x -> b@y success, no@y failure; 3 bytes, unix\n/m);
  expect(lines).not.toMatch(/\n\s+at /);
});
