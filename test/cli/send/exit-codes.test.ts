import { describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { unusedPort } from "../../support/scripted-server.ts";

const OK = "success: ok \\d+ qp \\d+";
const REFUSED = "failure: sorry, this recipient is refused here \\(#5\\.7\\.1\\)";
const DEFERRED = "deferral: sorry, this recipient is deferred here \\(#4\\.3\\.0\\)";

describe("the exit code depends on the results alone", () => {
  const rows: ReadonlyArray<[string, string[], number, string[]]> = [
    ["0 for one success", ["b@y"], 0, [`b@y: ${OK}`]],
    ["0 if every recipient succeeds", ["b@y", "c@y"], 0, [`b@y: ${OK}`, `c@y: ${OK}`]],
    ["100 for a failure", ["no@y"], 100, [`no@y: ${REFUSED}`]],
    ["100 for a failure and a success", ["b@y", "no@y"], 100, [`b@y: ${OK}`, `no@y: ${REFUSED}`]],
    ["111 for a deferral", ["later@y"], 111, [`later@y: ${DEFERRED}`]],
    ["111 for a deferral and a success", ["later@y", "b@y"], 111, [`later@y: ${DEFERRED}`, `b@y: ${OK}`]],
    [
      "111 for a deferral, a failure and a success",
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
