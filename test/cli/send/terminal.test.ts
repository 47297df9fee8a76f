import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type SinkHere, startSink } from "../../support/in-process.ts";
import { qmtp, stopAll } from "../../support/processes.ts";
import { onTerminal } from "../../support/terminal.ts";

const ESC = "\u001b";
const GREEN = `${ESC}[32msuccess${ESC}[39m`;
const YELLOW = `${ESC}[33mdeferral${ESC}[39m`;
const RED = `${ESC}[31mfailure${ESC}[39m`;

let sink: SinkHere;
const options = ["--reject", "^no@", "--defer", "^later@"];
const send = (more = "") =>
  `"$QMTP" send -s ${sink.endpoint} -f a@x --file /dev/null b@y later@y no@y ${more}`;

afterEach(stopAll);

describe("colour", () => {
  beforeEach(async () => {
    sink = await startSink(options);
  });

  test("marks the status words on a terminal", async () => {
    const shown = await onTerminal(send());
    expect(shown.stdout).toMatch(/^b@y: \S+: ok \d+ qp 1\r\nlater@y: \S+: .+\r\nno@y: \S+: .+\r\n/);
    expect(shown.stdout).toContain(`b@y: ${GREEN}: ok`);
    expect(shown.stdout).toContain(`later@y: ${YELLOW}: sorry`);
    expect(shown.stdout).toContain(`no@y: ${RED}: sorry`);
    expect(shown.code).toBe(111);
  });

  test.each<[string, string, Record<string, string>]>([
    ["NO_COLOR", "", { NO_COLOR: "1" }],
    ["TERM=dumb", "", { TERM: "dumb" }],
    ["--no-color", "--no-color", {}],
    ["--json", "--json", {}],
    ["standard output piped, and standard error on the terminal", "| cat", {}],
  ])("is off with %s", async (_name, more, env) => {
    const shown = await onTerminal(send(more), env);
    expect(shown.stdout).toContain("success");
    expect(shown.stdout).not.toContain(ESC);
  });

  test("is on with an empty NO_COLOR", async () => {
    expect((await onTerminal(send(), { NO_COLOR: "" })).stdout).toContain(GREEN);
  });

  test("is off on a pipe, even if FORCE_COLOR is set", async () => {
    const args = ["send", "-s", sink.endpoint, "-f", "a@x", "b@y"];
    const { stdout } = await qmtp(args, { env: { FORCE_COLOR: "1", TERM: "xterm" } });
    expect(stdout).toMatch(/^b@y: success: /);
  });
});

describe("how long it took", () => {
  const took = "connected in \\d+\\.\\d ms, sent in \\d+\\.\\d ms, answered in \\d+\\.\\d ms";

  beforeEach(async () => {
    sink = await startSink(options);
  });

  test("is a dim line after the results, plain without colour", async () => {
    const last = (shown: string) => shown.split("\r\n").at(-2);
    expect(last((await onTerminal(send())).stdout)).toMatch(new RegExp(`^${ESC}\\[2m${took}${ESC}\\[22m$`));
    expect(last((await onTerminal(send("--no-color"))).stdout)).toMatch(new RegExp(`^${took}$`));
  });

  test("is not said in pipes, with -q or --json, or without a connection", async () => {
    const shown = await Promise.all([
      onTerminal(send("| cat")),
      onTerminal(send("2>&1 >/dev/null | cat")),
      onTerminal(send("2>/dev/null")),
      onTerminal(send("-q")),
      onTerminal(send("--json")),
      onTerminal(`"$QMTP" send -s unix:/none -f a@x --file /dev/null b@y`),
    ]);
    for (const { stdout } of shown) expect(stdout).not.toContain("connected in");
  });
});

describe("the spinner", () => {
  const spinner = /sent 37 B, \S+ k?B\/s; waiting for responses/;

  test("appears on a terminal on standard error after half a second, and is cleared", async () => {
    sink = await startSink([...options, "--delay", "900"]);
    const [plain, piped] = await Promise.all([onTerminal(send()), onTerminal(send("| cat"))]);
    for (const { stdout } of [plain, piped]) {
      expect(stdout).toMatch(spinner);
      // The line is cleared before the results are printed.
      const afterwards = stdout.slice(stdout.lastIndexOf(`${ESC}[0K`));
      expect(afterwards).toMatch(/^\S+b@y: /);
    }
    expect(piped.stdout).toContain("later@y: deferral: sorry");
  });

  test("does no harm on a terminal without a known width", { timeout: 6_000 }, async () => {
    sink = await startSink([...options, "--delay", "700"]);
    const shown = await onTerminal(send(), {}, "", 0);
    expect(shown.stdout).toContain(`later@y: ${YELLOW}: sorry`);
    expect(shown.stdout.length).toBeLessThan(10_000);
    expect(shown.code).toBe(111);
  });

  test("is off if the run is quick, if declined, or if standard error is not a terminal", async () => {
    sink = await startSink([...options, "--delay", "800"]);
    const quick = await startSink();
    const shown = await Promise.all([
      onTerminal(send("--no-color")),
      onTerminal(send("--json")),
      onTerminal(send("-q")),
      onTerminal(send(), { NO_COLOR: "1" }),
      onTerminal(send(), { TERM: "dumb" }),
      onTerminal(send("2>&1 >/dev/null | cat")),
      onTerminal(`"$QMTP" send -s ${quick.endpoint} -f a@x --file /dev/null b@y`),
    ]);
    for (const { stdout } of shown) expect(stdout).not.toContain("waiting for responses");
  });
});

describe("a message read from the terminal", () => {
  const hint = "qmtp: reading the message from the terminal; end it with Ctrl-D on a new line\r\n";

  test("is prompted for with a line on standard error", async () => {
    sink = await startSink();
    const shown = await onTerminal(`"$QMTP" send -s ${sink.endpoint} -f a@x b@y`, {}, "typed\n");
    expect(shown.stdout).toContain(hint);
    expect(shown.stdout).toContain(`b@y: ${GREEN}: ok`);
    expect(await sink.nextLine()).toBe("a@x -> b@y success; 6 bytes, unix");
  });

  test("is not prompted for if standard input is not a terminal", async () => {
    sink = await startSink();
    const shown = await onTerminal(`echo Subject: hi | "$QMTP" send -s ${sink.endpoint} -f a@x b@y`);
    expect(shown.stdout).toMatch(/^b@y: /);
  });
});

describe("a message without a header", () => {
  const HINT = "qmtp: the input has no header; --subject composes a message from it\r\n";

  beforeEach(async () => {
    sink = await startSink();
  });

  test("is sent as it is, with a hint on a terminal", async () => {
    const shown = await onTerminal(`echo hi | "$QMTP" send -s ${sink.endpoint} -f a@x b@y`);
    expect(shown.stdout.startsWith(HINT)).toBe(true);
    expect(shown.stdout).toContain(`b@y: ${GREEN}: ok`);
    expect(await sink.nextLine()).toBe("a@x -> b@y success; 3 bytes, unix");
  });

  test("has no hint if it has a header after all, if it is empty, or if nothing can or should be said", async () => {
    const run = (input: string, more: string) =>
      onTerminal(`printf '${input}' | "$QMTP" send -s ${sink.endpoint} -f a@x b@y ${more}`);
    const shown = await Promise.all([
      run("Subject: hi\\n\\nhi\\n", ""),
      run("", ""),
      run("hi\\n", "-q"),
      run("hi\\n", "--raw"),
      run("hi\\n", "2>&1 | cat"),
    ]);
    for (const { stdout } of shown) expect(stdout).not.toContain("this has no header");
  });
});
