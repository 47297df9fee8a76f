import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { makeCertificates } from "../../support/certificates.ts";
import { finished, LAUNCHER, shell, startQmtp, stopAll } from "../../support/processes.ts";
import { startTlsSinkProcess } from "../../support/tls-sink.ts";

const { folder, ca, good, client } = makeCertificates();
const pipe = `${folder}/pipe`;
execFileSync("mkfifo", [pipe]);
const SEND = ["send", "-f", "a@x", "b@y", "-s", "qmtps://127.0.0.1:1", "--body", "hi"];

afterEach(stopAll);

describe("a named pipe without a writer", () => {
  test.each([
    ["--cacert", ["--cacert", pipe]],
    ["--cert", ["--cert", pipe]],
    ["--key", ["--cert", good.cert, "--key", pipe]],
  ])("as %s is not waited for longer than --max-time", async (_, args) => {
    const sent = await finished(startQmtp([...SEND, ...args, "--max-time", "0.1"]));
    const stderr = `qmtp: nothing was read from ${pipe} within 0.1 s; check the program that writes it, or raise --max-time\n`;
    expect(sent).toEqual({ code: 111, signal: null, stdout: "", stderr });
  });

  test.each([
    ["send", [...SEND, "--cacert", pipe]],
    ["the sink", ["sink", "--listen", "qmtps://127.0.0.1:0", "--cert", pipe]],
  ])("does not keep %s from heeding a signal", async (_, args) => {
    const child = startQmtp([...args]);
    const done = finished(child);
    // This succeeds once the pipe is open for reading.
    const writer = await vi.waitFor(() => openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK), 20_000);
    child.kill("SIGTERM");
    const { code, stderr } = await done;
    closeSync(writer);
    expect(code).toBe(111);
    expect(stderr).toBe(`qmtp: interrupted by SIGTERM while reading ${pipe}; nothing was sent\n`);
  });
});

test("what commands write into pipes is read as certificates and keys", async () => {
  const { endpoint } = await startTlsSinkProcess(good, ["--cacert", ca]);
  const files = `--cacert <(sleep 0.1; cat '${ca}') --cert <(cat '${client.cert}') --key <(cat '${client.key}')`;
  const command = `'${process.execPath}' '${LAUNCHER}' send -q -f a@x b@y -s '${endpoint}' --body hi ${files}`;
  expect(await shell(`bash -c "${command}"`)).toMatchObject({ code: 0, stderr: "" });
});
