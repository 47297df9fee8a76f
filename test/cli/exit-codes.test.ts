import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { qmtp, startSink, stopAll } from "../processes.ts";
import { unusedPort } from "../scripted-server.ts";

afterEach(stopAll);

const OK = "success: ok \\d+ qp \\d+";
const REFUSED = "failure: sorry, this recipient is refused here \\(#5\\.7\\.1\\)";
const DEFERRED = "deferral: sorry, this recipient is deferred here \\(#4\\.3\\.0\\)";

describe("the exit code tells from the results alone what has to be done", () => {
  const rows: ReadonlyArray<[string, string[], number, string[]]> = [
    ["0 for one success", ["b@y"], 0, [`b@y: ${OK}`]],
    ["0 when every recipient is a success", ["b@y", "c@y"], 0, [`b@y: ${OK}`, `c@y: ${OK}`]],
    ["100 for a failure", ["no@y"], 100, [`no@y: ${REFUSED}`]],
    ["100 for a failure beside a success", ["b@y", "no@y"], 100, [`b@y: ${OK}`, `no@y: ${REFUSED}`]],
    ["111 for a deferral", ["later@y"], 111, [`later@y: ${DEFERRED}`]],
    ["111 for a deferral beside a success", ["later@y", "b@y"], 111, [`later@y: ${DEFERRED}`, `b@y: ${OK}`]],
    [
      "111 for a deferral beside a failure and a success",
      ["no@y", "b@y", "later@y"],
      111,
      [`no@y: ${REFUSED}`, `b@y: ${OK}`, `later@y: ${DEFERRED}`],
    ],
  ];

  test.each(rows)("%s", async (_name, recipients, code, lines) => {
    const sink = await startSink(["--reject", "^no@", "--defer", "^later@"]);
    const sent = await qmtp(["send", "-s", sink.endpoint, "-f", "a@x", ...recipients], { input: "hi\n" });
    expect(sent.stdout).toMatch(new RegExp(`^${lines.map((line) => `${line}\n`).join("")}$`));
    expect(sent.stderr).toBe("");
    expect(sent.code).toBe(code);
  });

  test("111 without a connection, with a line for each recipient", async () => {
    const port = await unusedPort();
    const sent = await qmtp(["send", "-s", `127.0.0.1:${port}`, "-f", "a@x", "b@y", "c@y"]);
    const why = `deferral: cannot connect to qmtp://127.0.0.1:${port}: connection refused (127.0.0.1)`;
    expect(sent).toEqual({ code: 111, signal: null, stdout: `b@y: ${why}\nc@y: ${why}\n`, stderr: "" });
  });
});

describe("what is not about a message", () => {
  test("--version prints the version of the package, with exit code 0", async () => {
    const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    const printed = await qmtp(["--version"]);
    expect(printed).toEqual({ code: 0, signal: null, stdout: `${manifest.version}\n`, stderr: "" });
  });

  test.each([
    ["--help", ["--help"], "Usage: qmtp "],
    ["help", ["help"], "Usage: qmtp "],
    ["send --help", ["send", "--help"], "Usage: qmtp send "],
    ["send -h", ["send", "-h"], "Usage: qmtp send "],
    ["help send", ["help", "send"], "Usage: qmtp send "],
    ["sink --help", ["sink", "--help"], "Usage: qmtp sink "],
  ])("%s prints help to standard output, with exit code 0", async (_name, args, first) => {
    const helped = await qmtp(args);
    expect(helped.stdout.startsWith(first)).toBe(true);
    expect(helped.stderr).toBe("");
    expect(helped.code).toBe(0);
  });

  test("no command at all prints help to standard error, with exit code 100", async () => {
    const helped = await qmtp([]);
    expect(helped.stderr).toMatch(/^Usage: qmtp /);
    expect(helped.stdout).toBe("");
    expect(helped.code).toBe(100);
  });
});
