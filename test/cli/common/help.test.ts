import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { launch } from "../../support/in-process.ts";
import { qmtp, stopAll } from "../../support/processes.ts";

afterEach(stopAll);

describe("help and version", () => {
  test("--version prints the version of the package, with exit code 0", async () => {
    const manifest = JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8"));
    const printed = await qmtp(["--version"]);
    expect(printed).toEqual({ code: 0, signal: null, stdout: `qmtp ${manifest.version}\n`, stderr: "" });
  });

  test.each([
    ["--help", ["--help"], "Usage: qmtp "],
    ["help", ["help"], "Usage: qmtp "],
    ["send --help", ["send", "--help"], "Usage: qmtp send "],
    ["send -h", ["send", "-h"], "Usage: qmtp send "],
    ["help send", ["help", "send"], "Usage: qmtp send "],
    ["--help send", ["--help", "send"], "Usage: qmtp send "],
    ["sink --help", ["sink", "--help"], "Usage: qmtp sink "],
  ])("%s prints help to standard output, with exit code 0", async (_name, args, first) => {
    const helped = await qmtp(args);
    expect(helped.stdout.startsWith(first)).toBe(true);
    expect(helped.stderr).toBe("");
    expect(helped.code).toBe(0);
  });

  test.each([
    ["maildirqmtp", "Usage: maildirqmtp dir prefix host\n", ["dir", "prefix", "host"]],
    ["serialqmtp", "Usage: serialqmtp prefix\n", ["prefix"]],
  ])("%s --help shows only the operands and options it takes", async (launcher, usage, operands) => {
    for (const flag of ["--help", "-h"]) {
      const { code, stdout, stderr } = await launch(launcher, [flag]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout.startsWith(usage)).toBe(true);
      const listed = [...stdout.matchAll(/^ {2}([a-z]+) {2}/gm)].map((match) => match[1]);
      expect(listed).toEqual(operands);
      const flags = [...stdout.matchAll(/^ {2}(-\S+)/gm)].map((match) => match[1]);
      expect(flags).toEqual(["--version", "-h,"]);
    }
    expect((await launch(launcher, ["--version"])).stdout).toMatch(new RegExp(`^${launcher} \\d`));
  });

  test("without a command, help goes to standard error, with exit code 100", async () => {
    const helped = await qmtp([]);
    expect(helped.stderr).toMatch(/^Usage: qmtp /);
    expect(helped.stdout).toBe("");
    expect(helped.code).toBe(100);
  });
});
