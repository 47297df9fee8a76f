import { spawnSync } from "node:child_process";
import { accessSync } from "node:fs";
import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { FAULTS } from "../../src/sink/fault.ts";
import {
  codeOf,
  commandLines,
  commands,
  EXIT_CODES,
  flagsInWords,
  flagsOfAll,
  launchers,
  program,
  ROOT,
  readme,
  unknownIn,
} from "./documents.ts";

/** What is printed for one value after another differs from run to run. */
const withoutNumbers = (text: string) => text.replaceAll(/\d{4,}/g, "N");

describe("the README", () => {
  const { blocks, spans } = codeOf(readme);

  test("has the two commands on its first screen, and no other before them", () => {
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

  test("mentions every launcher and its man page, and has lines to copy for what callers run", () => {
    for (const { name, path } of launchers) {
      expect(spans).toContain(name);
      expect(readme).toContain(`](${path})`);
    }
    const unused = Object.keys(EXIT_CODES).filter((name) => !blocks.some((block) => block.includes(name)));
    expect(unused).toEqual([]);
  });

  test("has a section for each program that can hand its mail over", () => {
    const callers = ["cron", "PHP", "git", "mutt", "s-nail", "qmail"];
    const headings = [...readme.matchAll(/^\*\*(.+?)\*\*/gm)].map((match) => match[1] as string);
    const without = callers.filter((caller) => !headings.some((heading) => heading.startsWith(caller)));
    expect(without).toEqual([]);
  });

  test("mentions every fault of the sink", () => {
    expect(spans).toEqual(expect.arrayContaining(Object.keys(FAULTS)));
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
