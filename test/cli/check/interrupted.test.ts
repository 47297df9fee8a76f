import { readFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { endedBy, finished, printed, startQmtp, startSink, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

test.each(["SIGINT", "SIGTERM"] as const)(
  "%s in the middle ends the run with what is known",
  async (signal) => {
    const sink = await startSink();
    const junit = `${temporaryFolder()}/report.xml`;
    // Long before the silence of 2/after-silence ends.
    const args = ["--to", "a@example.org", "--json", "--junit", junit, "--wait", "5", "--only", "2/"];
    const child = startQmtp(["check", "-s", sink.endpoint, ...args, "-v"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const done = finished(child);
    await printed(child.stderr, /2\/silent-at-connect/);
    child.kill(signal);
    const { code, signal: died, stdout } = await done;
    expect({ code, signal: died }).toEqual(endedBy(signal));
    const { cases, error, exitCode } = JSON.parse(stdout);
    expect([exitCode, error.code]).toEqual([111, "interrupted"]);
    expect(cases[0]).toMatchObject({ id: "2/answers", verdict: "pass" });
    expect(cases[1]).toMatchObject({ id: "2/silent-at-connect", verdict: "unclear", got: "interrupted" });
    expect(readFileSync(junit, "utf8")).toMatch(/<\/testsuites>\n$/);
  },
);

test("a server that closes everything after a while: the rest is unclear, in a moment", async () => {
  let clients = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    // It answers a few, and then it is gone for all.
    if (++clients > 6) {
      server.close();
      for (const one of sockets) one.destroy();
      return;
    }
    socket.on("data", (chunk) => chunk.toString("latin1").endsWith(",,") && socket.write("3:Kok,"));
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const args = ["--to", "a@example.org", "--json", "--skip", "5/"];
  const child = startQmtp(["check", "-s", `127.0.0.1:${port}`, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { stdout } = await finished(child);
  const { cases, exitCode } = JSON.parse(stdout);
  const failed = cases.filter((one: { verdict: string }) => one.verdict === "fail");
  expect(failed).toEqual([]);
  expect(exitCode).toBe(111);
});

test("a reader of the results that goes away is no error", async () => {
  const sink = await startSink();
  const child = startQmtp(["check", "-s", sink.endpoint, "--wait", "0.1"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const done = finished(child);
  child.stdout?.destroy();
  expect(await done).toMatchObject({ code: 0, stderr: "" });
});
