import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { items, overview, pageOf, ROOT, runLauncher } from "./documents.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(`${tmpdir()}/qmtp-docs-`);
  for (const part of ["", "/tmp", "/new", "/cur"]) mkdirSync(`${folder}/m${part}`);
  writeFileSync(
    `${folder}/m/new/1.host`,
    "Return-Path: <a@example.org>\nDelivered-To: b@example.org\nhello\n",
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

/** Names of fields at every depth of the objects on these lines. */
function namesIn(lines: string): string[] {
  const namesOf = (value: unknown): string[] =>
    typeof value !== "object" || value === null
      ? []
      : Object.entries(value).flatMap(([name, inner]) => [
          ...(Array.isArray(value) ? [] : [name]),
          ...namesOf(inner),
        ]);
  const objects = lines.split("\n").filter((line) => line.startsWith("{"));
  return [...new Set(objects.flatMap((line) => namesOf(JSON.parse(line))))];
}

/** Words in the argument of `.Li`, or of an item's. */
function namesOn(...pages: { text: string }[]): string[] {
  return pages.flatMap(({ text }) => [
    ...[...text.matchAll(/\bLi ((?:\w+(?:\.\w+)?(?: , )?)+)/g)].flatMap((match) =>
      String(match[1]).split(" , "),
    ),
    ...items(text).map(({ head }) => head.replace(/^Li /, "")),
  ]);
}

const NOWHERE = ["-s", "unix:/nonexistent"];

describe("every field that --json prints is documented", () => {
  test("of a message", () => {
    const args = ["send", "--json", "--spool", `${folder}/spool`, "-f", "a@example.org", ...NOWHERE];
    const names = namesIn(runLauncher("qmtp", [...args, "b@example.org"], "hello\n").stdout);
    expect(names).toEqual(expect.arrayContaining(["possibleDuplicate", "spooled", "connectMs", "fault"]));
    expect(names.filter((name) => !namesOn(overview).includes(name))).toEqual([]);
  });

  test("of a dry run", () => {
    const args = ["send", "--json", "-n", "--spool", folder, "-f", "a@example.org", "b@example.org"];
    const names = namesIn(runLauncher("qmtp", args, "hello\n").stdout);
    expect(names).toEqual(expect.arrayContaining(["firstLines", "spool"]));
    expect(names.filter((name) => !namesOn(overview).includes(name))).toEqual([]);
  });

  test("of a maildir, and of its dry run", () => {
    const documented = namesOn(overview, pageOf("maildir"));
    for (const options of [[], ["-n"]]) {
      const args = ["maildir", "--json", ...options, ...NOWHERE, `${folder}/m`, ""];
      const names = namesIn(runLauncher("qmtp", args).stdout);
      expect(names.length).toBeGreaterThan(10);
      expect(names.filter((name) => !documented.includes(name))).toEqual([]);
    }
  });

  test("of a ping, with a server and without, and of the summary", () => {
    const documented = namesOn(overview, pageOf("ping"));
    for (const server of ["exec:cat", "unix:/nonexistent"]) {
      const args = ["ping", "--json", "-c", "1", "--wait", "0.1", "-s", server];
      const names = namesIn(runLauncher("qmtp", args).stdout);
      expect(names).toEqual(expect.arrayContaining(["outcome", "certificate", "sent", "answered"]));
      expect(names.filter((name) => !documented.includes(name))).toEqual([]);
    }
  });

  test("of a package the sink received", () => {
    const netstrings = "2:\na,13:a@example.org,17:13:b@example.org,,";
    const { stderr } = runLauncher("qmtp", ["sink", "--listen", "ucspi:", "--json"], netstrings);
    const names = namesIn(stderr);
    expect(names).toEqual(expect.arrayContaining(["surplusRecipients"]));
    expect(names.filter((name) => !namesOn(overview, pageOf("sink")).includes(name))).toEqual([]);
  });

  test("of the totals of the sink", () => {
    const names = namesIn(runLauncher("qmtp", ["sink", "--listen", "ucspi:", "--json", "--quiet"]).stderr);
    expect(names).toEqual(expect.arrayContaining(["packages", "elapsedMs"]));
    expect(names.filter((name) => !namesOn(overview, pageOf("sink")).includes(name))).toEqual([]);
  });

  test("of a check, and of its list", () => {
    const documented = namesOn(overview, pageOf("check"));
    for (const options of [NOWHERE, ["--list"]]) {
      const names = namesIn(runLauncher("qmtp", ["check", "--json", ...options]).stdout);
      expect(names).toEqual(expect.arrayContaining(["requirement", "level"]));
      expect(names.filter((name) => !documented.includes(name))).toEqual([]);
    }
  });

  test("of a bench, with a server and without", () => {
    const documented = namesOn(overview, pageOf("bench"));
    const sink = `exec:exec "${process.execPath}" "${ROOT}bin/qmtp" sink --listen ucspi: 2>/dev/null`;
    for (const server of [["-s", sink, "--rate", "100", "--fail-if", "rate>0"], NOWHERE]) {
      const args = ["bench", "--json", "-m", "5", "--to", "b@example.org", ...server];
      const names = namesIn(runLauncher("qmtp", args).stdout);
      expect(names).toEqual(expect.arrayContaining(["latencyFromDueMs", "connectionErrors"]));
      expect(names.filter((name) => !documented.includes(name))).toEqual([]);
    }
  });

  test("of what is decoded", () => {
    const good = "4:\nhi\n,3:a@x,6:3:b@y,,";
    const packages = Buffer.from(`3:\nhi\n,3:\xff@x,6:3:b@y,,${good}x${good}y`, "latin1");
    const args = ["decode", "--json", "--messages", `${folder}/decoded`];
    const responses = runLauncher("qmtp", ["decode", "--json"], "3:Kok,");
    const names = namesIn(runLauncher("qmtp", args, packages).stdout + responses.stdout);
    const some = [
      "encoding",
      "start",
      "senderBase64",
      "recipients",
      "found",
      "skipped",
      "reason",
      "complete",
    ];
    expect(names).toEqual(expect.arrayContaining([...some, "status", "direction"]));
    expect(names.filter((name) => !namesOn(overview, pageOf("decode")).includes(name))).toEqual([]);
  });
});
