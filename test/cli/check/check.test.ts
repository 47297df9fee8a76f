import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const TO = ["--to", "check@example.org"];
const QUICK = ["--wait", "0.1", "--timeout", "5"];
const FEW = ["--only", "2/answers", "--only", "2/one-resp", "--only", "5/length", "--only", "7/software"];

/** Of a run with `--json`. */
interface Report {
  readonly exitCode: number;
  readonly server: { readonly endpoint: string } | null;
  readonly counts: Readonly<Record<string, number>>;
  readonly messages: { readonly announced: number; readonly sent: number };
  readonly cases: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly got: string | null;
    readonly advice: string | null;
    readonly lacks: readonly string[];
    readonly bytes: { readonly sent: string; readonly received: string };
  }[];
  readonly advice: readonly string[];
  readonly error: { readonly code: string } | null;
}

const reportIn = (stdout: string): Report => JSON.parse(stdout);

describe("what is printed", () => {
  test("off a terminal: a line for each case by section, the totals, and no colour", async () => {
    const sink = await startSink();
    const run = await qmtp(["check", "-s", sink.endpoint, ...TO, ...QUICK, ...FEW]);
    const stdout = run.stdout.replaceAll(/\d{6,} qp \d+/g, "TIME qp N").replaceAll(/ \(\d+ ms\)/g, "");
    expect(stdout).toBe(
      [
        "2. Protocol",
        "  pass    2/answers: A package gets a response.",
        "  pass    2/one-response-each: Each recipient of a package gets a response of its own.",
        "",
        "5. Responses",
        "  pass    5/length: The length of a response is right.",
        "",
        "7. Encapsulation",
        "  pass    7/software: Which software it may be, by its texts. qmail-qmtpd, or one with its texts",
        "",
        "4 cases: 4 pass, 0 fail, 0 unclear, 0 skip",
        "4 of at most 8 messages sent",
        "",
      ].join("\n"),
    );
    expect(run).toMatchObject({ code: 0, stderr: "qmtp: at most 8 messages go to check@example.org\n" });
  });

  test("under a failure: what was sent, expected and got, and what follows; and once at the end", async () => {
    const sink = await startSink(["--fault", "one-response"]);
    const run = await qmtp(["check", "-s", sink.endpoint, ...TO, "--timeout", "0.3", ...FEW]);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(
      /^ {2}fail {4}2\/one-response-each: .+\n {6}sent: {5}one package with 3 recipients\n {6}expected: 3 responses\n {6}got: {6}1 response \(success: ok \d+ qp \d+\), then nothing for 0\.3 s\n {6}so: {7}clients need one package per recipient: qmtp send --split\n/m,
    );
    expect(run.stdout).toMatch(
      /4 cases: 3 pass, 1 fail \(1 must, 0 should\), 0 unclear, 0 skip\n.+\n\nWhat clients should know:\n {2}Clients need one package per recipient: qmtp send --split\.\n$/,
    );
  });

  test("--json: one object, the same keys whatever happens, and nothing else", async () => {
    const sink = await startSink(["--fault", "bad-status"]);
    const run = await qmtp(["check", "--json", "-s", sink.endpoint, ...TO, ...QUICK, "--only", "5/status"]);
    const report = reportIn(run.stdout);
    expect(run.stdout.endsWith("}\n")).toBe(true);
    expect(report).toMatchObject({
      schema: 1,
      type: "check",
      server: { endpoint: `qmtp://${sink.endpoint.replace(/^.*\//, "")}` },
      exitCode: 1,
      counts: { pass: 0, fail: 1, skip: 0, unclear: 0 },
      advice: ["clients must take an unknown status for a deferral"],
      error: null,
    });
    expect(report.cases).toMatchObject([
      { id: "5/status", section: 5, level: "must", verdict: "fail", lacks: [] },
    ]);
    expect(report.cases[0]?.got).toMatch(/^"Xok \d+ qp 1" \(in control\)$/);
    expect(report.cases[0]?.bytes.received).toMatch(/^19:Xok \d+ qp 1,$/);
    const nowhere = await qmtp(["check", "--json", "-s", "unix:/nonexistent"]);
    expect(Object.keys(reportIn(nowhere.stdout))).toEqual(Object.keys(report));
  });

  test("what the server says cannot drive the terminal", async () => {
    const sink = await startSink(["--fault", "escapes"]);
    for (const options of [[], ["--json"]]) {
      const { stdout } = await qmtp([
        "check",
        "-s",
        sink.endpoint,
        ...TO,
        ...QUICK,
        "--only",
        "5/",
        ...options,
      ]);
      expect(stdout).toContain("5/no-control");
      expect(stdout.replaceAll(/[\n\x20-\x7e]/g, "")).toBe("");
    }
  });

  test("--list has every case with level, needs and messages, and connects to nothing", async () => {
    const text = await qmtp(["check", "--list", "-s", "unix:/nonexistent"]);
    expect([text.code, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).toMatch(/^2\/order +must +--to --refused +2 +Responses come in the order of/m);
    const json = await qmtp(["check", "--list", "--json", "--only", "2/order"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      type: "check-list",
      cases: [{ id: "2/order", section: 2, level: "must", needs: ["to", "refused"], messages: 2 }],
    });
    const ids = text.stdout.split("\n").slice(0, -1);
    expect(ids.length).toBeGreaterThan(85);
  });
});

test("--json: every case that spoke to the server has the bytes that prove its verdict", async () => {
  const sink = await startSink(["--fault", "off-by-one"]);
  const args = ["check", "--json", "-s", sink.endpoint, ...TO, ...QUICK];
  const { cases } = reportIn((await qmtp([...args, "--only", "2/", "--only", "5/length"])).stdout);
  const bytesOf = (id: string) => cases.find((one) => one.id === id)?.bytes;
  expect(bytesOf("2/answers")?.sent).toMatch(
    /^\d+:\\x0aSubject: qmtp check control\\x0a.+,21:17:check@example\.org,,$/,
  );
  expect(bytesOf("2/answers")?.received).toMatch(/^18:Kok \d+ qp 1,$/);
  expect(bytesOf("2/silent-in-message")?.sent).toMatch(
    /^\d+:\\x0aSubject: qmtp check 2\/silent-in-message\\x0a/,
  );
  expect(cases.find(({ id }) => id === "5/length")).toMatchObject({
    verdict: "fail",
    got: "a length of 18, and 19 bytes before the comma: off by one",
  });
  expect(bytesOf("5/length")?.received).toMatch(/^18:Kok \d+ qp 1,$/);
});

describe("safety", () => {
  test("without --to nothing is delivered, whatever the server accepts", async () => {
    const folder = `${temporaryFolder()}/mail`;
    const sink = await startSink(["--maildir", folder, "--json"]);
    const run = await qmtp(["check", "--json", "-s", sink.endpoint, ...QUICK]);
    const report = reportIn(run.stdout);
    expect([run.code, run.stderr]).toEqual([0, ""]);
    expect(report.messages).toEqual({ announced: 0, sent: 0 });
    expect(report.cases.filter(({ verdict }) => verdict === "pass").length).toBeGreaterThan(6);
    const { stdout } = await sink.stop();
    expect([stdout, readdirSync(`${folder}/new`)]).toEqual(["", []]);
  });

  test("nor by a server that accepts what is incomplete", async () => {
    const folder = `${temporaryFolder()}/mail`;
    const sink = await startSink(["--maildir", folder, "--fault", "accept-no-recipients"]);
    await qmtp(["check", "--json", "-s", sink.endpoint, ...QUICK]);
    const stored = readdirSync(`${folder}/new`).map((name) => readFileSync(`${folder}/new/${name}`, "utf8"));
    expect(stored.filter((text) => !text.includes("Delivered-To: \n"))).toEqual([]);
  });

  test("messages go to --to only, from the null sender, name their case, and are as many as announced at most", async () => {
    const folder = `${temporaryFolder()}/mail`;
    const refuse = ["--reject", "^refused@"];
    const sink = await startSink(["--maildir", folder, "--json", ...refuse]);
    const args = ["check", "--json", "-s", sink.endpoint, ...TO, "--refused", "refused@example.org"];
    const run = await qmtp([...args, "--inbox", folder, ...QUICK]);
    const report = reportIn(run.stdout);
    expect([run.code, report.counts.fail, report.counts.unclear]).toEqual([0, 0, 0]);
    const { stdout } = await sink.stop();
    const packages = stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line));
    const recipients = packages.flatMap((one) =>
      one.recipients.map((each: { recipient: string }) => each.recipient),
    );
    expect([...new Set(recipients)].toSorted()).toEqual(["check@example.org", "refused@example.org"]);
    const senders = packages.map((one) => one.sender.replace(/^.*@check\.qmtp\.invalid$/s, "(invalid)"));
    expect([...new Set(senders)].toSorted()).toEqual(["", "(invalid)"]);
    const stored = readdirSync(`${folder}/new`).map((name) =>
      readFileSync(`${folder}/new/${name}`, "latin1"),
    );
    expect(stored.length).toBeLessThanOrEqual(report.messages.announced);
    expect(run.stderr).toBe(`qmtp: at most ${report.messages.announced} messages go to check@example.org\n`);
    // One case sends a message without a byte.
    expect(
      stored.filter((text) => !/^Subject: qmtp check (control|\d\/[a-z0-9-]+)$/m.test(text)).length,
    ).toBe(1);
  });
});

test("a recipient that is not refused after all gets no more than the message that shows it", async () => {
  const sink = await startSink(["--json"]);
  const args = [
    "check",
    "--json",
    "-s",
    sink.endpoint,
    ...TO,
    "--refused",
    "refused@example.org",
    "--wait",
    "0.1",
  ];
  const { cases } = reportIn((await qmtp([...args, "--skip", "2/after"])).stdout);
  expect(cases.find(({ id }) => id === "2/hundred-packages")).toMatchObject({
    verdict: "unclear",
    got: expect.stringMatching(/^refused@example\.org is not refused: it gets success: /),
  });
  const { stdout } = await sink.stop();
  expect(stdout.split("\n").filter((line) => line.includes("refused@example.org")).length).toBe(1);
});

test("a recipient that is only deferred may be accepted the next time: it gets no more either", async () => {
  const sink = await startSink(["--json", "--defer", "^refused@"]);
  const args = ["check", "--json", "-s", sink.endpoint, ...TO, "--refused", "refused@example.org"];
  const { cases } = reportIn((await qmtp([...args, "--wait", "0.1", "--skip", "2/after"])).stdout);
  expect(cases.find(({ id }) => id === "2/hundred-packages")).toMatchObject({
    verdict: "unclear",
    got: expect.stringMatching(/^refused@example\.org is not refused: it gets deferral: /),
  });
  const { stdout } = await sink.stop();
  expect(stdout.split("\n").filter((line) => line.includes("refused@example.org")).length).toBe(1);
});

describe("servers that cannot be checked", () => {
  test("unreachable: one line, exit code 111, and a report all the same", async () => {
    const junit = `${temporaryFolder()}/report.xml`;
    const run = await qmtp(["check", "-s", "unix:/nonexistent", "--junit", junit, "--only", "2/order"]);
    expect(run).toMatchObject({ code: 111, stdout: "" });
    expect(run.stderr).toMatch(/^qmtp: cannot connect to unix:\/nonexistent: .+\n$/);
    expect(readFileSync(junit, "utf8")).toMatch(/<error message="no connection" type="must">/);
    const json = await qmtp(["check", "--json", "-s", "unix:/nonexistent"]);
    expect(reportIn(json.stdout)).toMatchObject({
      server: null,
      exitCode: 111,
      error: { code: "connect-failed" },
    });
  });

  test("one that answers nothing: the rest is unclear, and that takes few timeouts", async () => {
    const sink = await startSink(["--fault", "stall"]);
    const run = await qmtp([
      "check",
      "--json",
      "-s",
      sink.endpoint,
      ...TO,
      "--wait",
      "0.1",
      "--timeout",
      "0.5",
    ]);
    const { cases, exitCode } = reportIn(run.stdout);
    expect(exitCode).toBe(1);
    const failed = cases.filter(({ verdict }) => verdict === "fail");
    expect(failed.map(({ id }) => id)).toEqual(["2/answers"]);
  });

  test("one that refuses the recipient: too much is unclear", async () => {
    const sink = await startSink(["--reject", "."]);
    const run = await qmtp(["check", "-s", sink.endpoint, ...TO, ...QUICK, "--only", "4/"]);
    expect(run.code).toBe(111);
    const why =
      "a plain message to check@example.org gets failure: sorry, this recipient is refused here (#5.7.1)";
    expect(run.stdout).toContain(`got:      ${why}\n`);
    expect(run.stdout).toContain(
      `Too much is unclear to say whether the server keeps the protocol: ${why}.\n`,
    );
  });
});

describe("levels", () => {
  test("a requirement that a server should keep counts with --strict", async () => {
    const sink = await startSink(["--fault", "line-feed"]);
    const args = ["check", "-s", sink.endpoint, ...TO, ...QUICK, "--only", "5/no-control"];
    expect((await qmtp(args)).code).toBe(0);
    expect((await qmtp([...args, "--strict"])).code).toBe(1);
  });
});

describe("a command line that cannot be right is refused in a line", () => {
  const folder = "/nonexistent";
  test.each<[readonly string[], RegExp]>([
    [["--only", "9/"], /^no case is named '9\/', nor begins like this; qmtp check --list prints all$/],
    [["--only", ""], /^no case is named ''/],
    [["--skip", "x"], /^no case is named 'x'/],
    [["--only", "2/order", "--skip", "2/"], /^--skip leaves no case to run$/],
    [["--inbox", folder], /^--inbox needs --to, whose messages arrive there$/],
    [["--to", "a@x", "--inbox", folder], /^--inbox .+ is not a maildir: no such file or directory$/],
    [["--refused", "a@x"], /^--refused needs --to: without it, no package is sent whole$/],
    [["--to", "a@x", "--refused", "a@x"], /^--to and --refused are the same address$/],
    [["--to", ""], /^--to is empty; write an address$/],
    [["-s", "ucspi:"], /^ucspi: is one connection, and a check needs many; name another endpoint$/],
    [["--wait", "0"], /^option '--wait <s>' does not accept '0'/],
    [["mx.example.org"], /^unexpected argument 'mx\.example\.org'/],
    [["--onyl", "2/"], /^unknown option '--onyl'/],
  ])("%j", async (args, line) => {
    const { code, stdout, stderr } = await qmtp(["check", ...args]);
    expect([code, stdout]).toEqual([100, ""]);
    expect(stderr.replace(/^qmtp: |\n$/g, "")).toMatch(line);
  });

  test("a report that cannot be written is an error before the run, and an old one stays until there is a new one", async () => {
    const { code, stderr } = await qmtp(["check", "--junit", "/nonexistent/report.xml"]);
    expect(code).toBe(111);
    expect(stderr).toMatch(
      /^qmtp: cannot write the report to \/nonexistent\/report\.xml: .+; name another file with --junit\n$/,
    );
    const junit = `${temporaryFolder()}/report.xml`;
    writeFileSync(junit, "x".repeat(100_000));
    await qmtp(["check", "-s", "unix:/nonexistent", "--junit", junit, "--only", "2/order"]);
    expect(existsSync(junit)).toBe(true);
    expect(readFileSync(junit, "utf8").endsWith("</testsuites>\n")).toBe(true);
  });
});
