import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { skip } from "../support/skip.ts";
import { codesInSource, launchers, overview, pages, ROOT, stubs } from "./documents.ts";

/** Runs a formatter; without it the test is skipped with a note, but never in CI. */
function format(program: string, args: readonly string[], context: TestContext): string {
  const { error, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error !== undefined && !process.env.CI) {
    skip(context, `${program} is not installed: install the Debian package ${program}`);
  }
  expect(error).toBeUndefined();
  expect(stderr).toBe("");
  return stdout;
}

/** As man(1) runs groff for a terminal of this width, without escape sequences and overstriking. */
function groff(path: string, columns: number, context: TestContext): string {
  const device = ["-Tutf8", "-P-cbou", `-rLL=${columns - 2}n`];
  return format("groff", ["-ww", "-mandoc", ...device, `${ROOT}${path}`], context);
}

describe.each(pages)("$name(1)", ({ path }) => {
  test("passes mandoc without complaint", (context) => {
    expect(format("mandoc", ["-Tlint", "-Wwarning", `${ROOT}${path}`], context)).toBe("");
  });

  test.for([80, 120])("is clean for groff at %i columns, and fits", (columns, context) => {
    const lines = groff(path, columns, context).split("\n");
    expect(lines.length).toBeGreaterThan(50);
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
  });
});

test("man(1) shows the page of each launcher through npm's links", (context) => {
  const tree = mkdtempSync(`${tmpdir()}/qmtp-man-`);
  try {
    for (const chapter of ["1", "3", "8"]) mkdirSync(`${tree}/man${chapter}`);
    for (const { path, chapter } of [...pages, ...stubs])
      symlinkSync(`${ROOT}${path}`, `${tree}/man${chapter}/${basename(path)}`);
    for (const { name, page } of launchers) {
      const shown = format("man", ["-M", tree, "-P", "cat", name], context);
      expect(shown).toContain(page.name.toUpperCase());
    }
  } finally {
    rmSync(tree, { recursive: true });
  }
});

test.for([80, 120])("the table of error codes is a table at %i columns", (columns, context) => {
  const lines = groff(overview.path, columns, context).split("\n");
  const rows = lines.filter((line) => /^ +[a-z-]+ +1\d\d +\d+ +\d+$/.test(line));
  const codes = rows.map((row) => row.trim().split(" ")[0]);
  expect(codes.toSorted()).toEqual(codesInSource().errors.toSorted());
  expect(new Set(rows.map((row) => row.search(/ 1\d\d /))).size).toBe(1);
});
