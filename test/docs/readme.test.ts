import { spawnSync } from "node:child_process";
import { accessSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { CODES } from "../../src/errors.ts";
import { MISBEHAVIOURS } from "../../src/sink/misbehaviour.ts";
import {
  codeOf,
  commandLines,
  commands,
  flagsInWords,
  flagsOfAll,
  launchers,
  program,
  ROOT,
  readme,
  unknownIn,
} from "./documents.ts";

/** Long numbers in output differ from run to run. */
const withoutNumbers = (text: string) => text.replaceAll(/\d{4,}/g, "N");

/** From a heading to the next. */
const chapter = (heading: string) => readme.split(`\n${heading}\n`)[1]?.split(/^##/m)[0] ?? "";

const source = readdirSync(`${ROOT}src`, { recursive: true })
  .map(String)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => readFileSync(`${ROOT}src/${file}`, "utf8"))
  .join("\n");

/** The pieces of a message between insertions; messages are also joined at "before". */
const piecesOf = (text: string) =>
  text
    .split(/\.\.\.|DNS:\S+|\d+|'|: |\(| before /)
    .map((piece) => piece.trim())
    .filter((piece) => piece.length > 5);

describe("the README", () => {
  const { blocks, spans } = codeOf(readme);

  test("has the two commands on its first screen, with none before them", () => {
    const screen = codeOf(readme.split("\n").slice(0, 40).join("\n"));
    expect(screen.blocks[0]).toBe("npm ci && npm run demo\nnpm ci && npm test\n");
  });

  test("mentions only commands and options that exist", () => {
    const lines = commandLines([...blocks, ...spans].join("\n"));
    expect(lines.length).toBeGreaterThan(6);
    expect(unknownIn(lines)).toEqual([]);
    const known = flagsOfAll([...commands, program]);
    const bare = spans.filter((span) => span.startsWith("-")).flatMap(flagsInWords);
    expect(bare.length).toBeGreaterThan(4);
    expect(bare.filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("mentions every launcher and its page, and has lines to copy for callers", () => {
    for (const { name, page } of launchers) {
      expect(spans).toContain(name);
      expect(readme).toContain(`](${page.path})`);
    }
    const called = launchers.filter(({ command }) => ["queue", "sendmail"].includes(command));
    const unused = called.filter(({ name }) => !blocks.some((block) => block.includes(name)));
    expect(unused).toEqual([]);
  });

  test("has a section for each program that can hand over its mail", () => {
    const callers = ["cron", "PHP", "git", "mutt", "s-nail", "qmail"];
    const headings = [...readme.matchAll(/^\*\*(.+?)\*\*/gm)].map((match) => match[1] as string);
    const without = callers.filter((caller) => !headings.some((heading) => heading.startsWith(caller)));
    expect(without).toEqual([]);
  });

  test("mentions faults of the sink, and where all of them are", () => {
    const named = spans.filter((span) => Object.hasOwn(MISBEHAVIOURS, span));
    expect(named.length).toBeGreaterThan(12);
    expect(chapter("## A server to test against").replaceAll(/\s+/g, " ")).toMatch(
      /There are many more.*\(man\/qmtp-sink\.1\)/,
    );
  });

  test("quotes failure messages, with their codes", () => {
    const rows = chapter("### What failures say").match(/^\| `.*$/gm) ?? [];
    expect(rows.length).toBeGreaterThan(10);
    for (const row of rows) {
      const [texts = "", code = ""] = row.split("|").slice(1);
      expect(Object.keys(CODES)).toContain(code.trim().replaceAll("`", ""));
      expect(
        codeOf(texts)
          .spans.flatMap(piecesOf)
          .filter((piece) => !source.includes(piece)),
      ).toEqual([]);
    }
  });

  test("lists every source folder, and the packages CI installs", () => {
    const folders = readdirSync(`${ROOT}src`, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(spans).toEqual(expect.arrayContaining(folders.map(({ name }) => `src/${name}/`)));
    const [, installed = ""] =
      /apt-get install [^\n]*\n(.*?)>/s.exec(readFileSync(`${ROOT}.ci/run`, "utf8")) ?? [];
    const packages = codeOf(chapter("## Development").replaceAll(/^[^|\n].*$/gm, "")).spans;
    expect(packages.toSorted()).toEqual((installed.match(/[a-z0-9-]+/g) ?? []).toSorted());
  });

  test("says which systems are tested, and what is needed there; npm refuses the one that cannot work", () => {
    const installing = chapter("## Installing").replaceAll(/\s+/g, " ");
    expect(installing).toMatch(
      /is tested on Debian \d+ \(x86-64\) with Node \d+\. Other Unix systems are untested/,
    );
    expect(installing).toMatch(/`qmtp maildir` needs flock\(1\).*`exec:` needs `\/bin\/sh`/);
    expect(installing).toContain("npm refuses to install it on Windows");
    expect(manifest.os).toEqual(["!win32"]);
  });

  test("mentions only scripts and files that exist", () => {
    const scripts = [...readme.matchAll(/npm run ([a-z:]+)/g)].map((match) => match[1]);
    expect(Object.keys(manifest.scripts)).toEqual(expect.arrayContaining(scripts));
    const paths = [...spans.filter((span) => /^(src|test|man)\//.test(span))];
    const links = [...readme.matchAll(/\]\(([^):]+)\)/g)].map((match) => match[1] as string);
    expect(paths.length).toBeGreaterThan(8);
    for (const path of [...paths, ...links]) accessSync(`${ROOT}${path}`);
  });

  test("shows what the demonstration prints", () => {
    const built = `node_modules/.bin/esbuild test/demo.ts --bundle --platform=node --log-level=warning | node -`;
    const demo = spawnSync("sh", ["-c", built], { cwd: ROOT, encoding: "utf8" });
    expect(demo.stderr).toBe("");
    expect(demo.status).toBe(0);
    expect(withoutNumbers(demo.stdout)).toContain(withoutNumbers(blocks[1] as string));
  });
});

test("the changelog has the unreleased changes and this version", () => {
  const changelog = readFileSync(`${ROOT}CHANGELOG.md`, "utf8");
  const headings = [...changelog.matchAll(/^## \[(.+?)\]/gm)].map((match) => match[1]);
  expect(headings.slice(0, 2)).toEqual(["Unreleased", manifest.version]);
  expect(manifest.files).toContain("CHANGELOG.md");
  expect(unknownIn(commandLines(codeOf(changelog).spans.join("\n")))).toEqual([]);
});
