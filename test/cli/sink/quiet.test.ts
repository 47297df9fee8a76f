import { afterEach, describe, expect, test } from "vitest";
import { exchange } from "../../support/exchange.ts";
import { qmtp, startSink as startHere } from "../../support/in-process.ts";
import { printed, startSink, stopAll } from "../../support/processes.ts";
import { wirePackage } from "../../support/wire.ts";

afterEach(stopAll);

const ONE = wirePackage({ message: "12345", recipients: ["b@y", "no@y", "later@y"] });
const RULES = ["--reject", "^no@", "--defer", "^later@"];

describe("--quiet prints no line per package", () => {
  test("but totals at the end", async () => {
    const sink = await startHere(["--quiet", "--max-recipients", "3", ...RULES]);
    await exchange(sink.endpoint, Buffer.concat([ONE, ONE]));
    await exchange(sink.endpoint, wirePackage({ message: "x", recipients: ["b@y", "b@y", "b@y", "b@y"] }));
    const { stdout, code } = await sink.stop();
    expect(code).toBe(0);
    const totals = "3 packages, 11 B in \\d+\\.\\d\\d s, \\d+/s; 5 success, 2 deferral, 3 failure";
    expect(stdout).toMatch(new RegExp(`^${totals}\n$`));
  });

  test("and totals of nothing, if nothing came", async () => {
    const sink = await startHere(["-q"]);
    expect((await sink.stop()).stdout).toBe("0 packages, 0 B in 0.00 s; 0 success, 0 deferral, 0 failure\n");
  });

  test("with --json, they are an object", async () => {
    const sink = await startHere(["--quiet", "--json", ...RULES]);
    await exchange(sink.endpoint, ONE);
    expect(JSON.parse((await sink.stop()).stdout)).toEqual({
      schema: 1,
      type: "totals",
      packages: 1,
      bytes: 5,
      counts: { success: 1, deferral: 1, failure: 1 },
      elapsedMs: 0,
      rate: 0,
    });
  });

  test("and totals so far at each SIGUSR1; the sink goes on", async () => {
    const sink = await startSink(["--quiet", ...RULES]);
    for (const count of [1, 2]) {
      await exchange(sink.endpoint, ONE);
      const totals = printed(sink.child.stdout, /^(\d+) packages?, .*\n/);
      sink.child.kill("SIGUSR1");
      expect((await totals)[1]).toBe(`${count}`);
    }
    const { code, stdout } = await sink.stop();
    expect(code).toBe(0);
    expect(stdout.split("\n")).toHaveLength(4);
  });

  test("under a UCSPI server, they go to standard error", async () => {
    const run = await qmtp(["sink", "--listen", "ucspi:", "--quiet"], { input: ONE });
    expect(run.stdout).toMatch(/^(?:\d+:Kok \d+ qp 1,){3}$/);
    expect(run.stderr).toMatch(/^1 package, 5 B in 0\.00 s; 3 success, 0 deferral, 0 failure\n$/);
  });
});
