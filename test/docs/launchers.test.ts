import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { EXIT } from "../../src/report/exit-code.ts";
import {
  commandLines,
  commands,
  EXIT_CODES,
  flagsIn,
  flagsOfAll,
  items,
  launchers,
  page,
  program,
  ROOT,
  section,
  unknownIn,
} from "./documents.ts";

const withOperands = launchers.filter(({ name }) => EXIT_CODES[name] === undefined);

describe.each(withOperands)("the man page of $name", ({ name, path }) => {
  const text = page(path);

  test("has the usage that the launcher prints, and its exit codes", () => {
    const run = spawnSync(`${ROOT}bin/${name}`, [], { encoding: "utf8" });
    expect(run.status).toBe(EXIT.permanent);
    const usage = run.stderr.replace(`${name}: `, "").trim();
    expect(items(section("Sh", "DIAGNOSTICS", text)).map(({ head }) => head)).toContain(usage);
    const [, operands] = /^\.Ar (.*)$/m.exec(section("Sh", "SYNOPSIS", text)) ?? [];
    expect(usage).toContain(`usage: ${name} ${operands};`);
    const codes = items(section("Sh", "EXIT STATUS", text)).map(({ head }) => Number(head));
    expect(codes).toEqual(Object.values(EXIT));
  });
});

describe.each(Object.entries(EXIT_CODES))("the exit codes of %s", (name, codes) => {
  test("are all in its man page", () => {
    const { path } = launchers.find((launcher) => launcher.name === name) as { path: string };
    const documented = items(section("Sh", "EXIT STATUS", page(path)));
    expect(documented.map(({ head }) => Number(head))).toEqual(codes);
  });

  test("are all in --help", () => {
    const { stdout } = spawnSync(`${ROOT}bin/${name}`, ["--help"], { encoding: "utf8" });
    const help = stdout.split("Exit codes")[1] ?? "";
    expect([...help.matchAll(/^ {2}(\d+) /gm)].map((match) => Number(match[1]))).toEqual(codes);
  });
});

describe.each(launchers)("the man page of $name", ({ name, path, chapter }) => {
  const text = page(path);

  test("names only commands and options that exist", () => {
    const same = commandLines(section("Sh", "DESCRIPTION", text));
    expect(same.length).toBeGreaterThan(0);
    expect(unknownIn(same)).toEqual([]);
    const known = flagsOfAll([...commands, program]);
    expect(flagsIn(text).filter((flag) => !known.has(flag))).toEqual([]);
  });

  test("has examples with commands and options that exist", () => {
    expect(unknownIn(commandLines(section("Sh", "EXAMPLES", text).replaceAll(/^\.Dl /gm, "")))).toEqual([]);
  });

  test("is pointed to by qmtp(1), and points to it", () => {
    expect(section("Sh", "SEE ALSO")).toContain(`.Xr ${name} ${chapter}`);
    expect(section("Sh", "SEE ALSO", text)).toContain(".Xr qmtp 1");
  });
});

describe("the package", () => {
  test("has the launchers and man pages that it names", () => {
    for (const launcher of Object.values(manifest.bin)) accessSync(`${ROOT}${launcher}`, constants.X_OK);
    for (const page of manifest.man) accessSync(`${ROOT}${page}`, constants.R_OK);
    expect(manifest.man.length).toBe(Object.keys(manifest.bin).length);
  });
});
