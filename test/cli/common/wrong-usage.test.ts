import { afterEach, describe, expect, test } from "vitest";
import { qmtp, stopAll } from "../../support/processes.ts";

afterEach(stopAll);

describe("a bad command line", () => {
  test.each([
    [["snd", "b@y"], "unknown command 'snd' (did you mean send?); see qmtp --help"],
    [["b@y"], "unknown command 'b@y'; see qmtp --help"],
    [["--jsn"], "unknown option '--jsn'; see qmtp --help"],
    [["help", "snd"], "unknown command 'snd' (did you mean send?); see qmtp --help"],
    [["sink", "x"], "unexpected argument 'x'; see qmtp sink --help"],
  ])("%j is reported in one line, with exit code 100", async (args, line) => {
    expect(await qmtp(args)).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${line}\n` });
  });

  test("control bytes are escaped in the line", async () => {
    const refused = await qmtp(["send", "--\u001b[31m\nx"]);
    expect(refused.stderr).toBe("qmtp: unknown option '--\\x1b[31m\\x0ax'; see qmtp send --help\n");
    expect(refused.code).toBe(100);
  });
});
