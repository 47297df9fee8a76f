import { accessSync, constants, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { EXIT } from "../../src/report/exit-tables.ts";
import { items, launchers, pages, ROOT, runLauncher, section, stubs } from "./documents.ts";

/** The commands whose launchers take only operands. */
const LAUNCHERS_OF_OPERANDS = ["maildir", "serial"];

describe.each(launchers)("the launcher $name", ({ name, page }) => {
  test("is named and shown on the page of its command", () => {
    expect(section("Sh", "NAME", page)).toMatch(new RegExp(`^\\.Nm ${name}(?: ,)?$`, "m"));
    expect(section("Sh", "SYNOPSIS", page)).toContain(`.Nm ${name}\n`);
  });
});

describe.each(launchers.filter(({ command }) => LAUNCHERS_OF_OPERANDS.includes(command)))(
  "the launcher $name",
  ({ name, page }) => {
    test("prints the usage on its page", () => {
      const run = runLauncher(name, []);
      expect(run.status).toBe(EXIT.permanent);
      const usage = run.stderr.replace(`${name}: `, "").trim();
      expect(items(section("Sh", "DIAGNOSTICS", page)).map(({ head }) => head)).toContain(usage);
      const [, own = ""] = section("Sh", "SYNOPSIS", page).split(`.Nm ${name}\n`);
      const [, operands] = /^\.Ar (.*)$/m.exec(own) ?? [];
      expect(usage).toContain(`usage: ${name} ${operands};`);
    });
  },
);

describe("the package", () => {
  test("has the launchers and man pages it names, and no other", () => {
    for (const launcher of Object.values(manifest.bin)) accessSync(`${ROOT}${launcher}`, constants.X_OK);
    const paths = readdirSync(`${ROOT}man`).map((file) => `man/${file}`);
    expect(manifest.man.toSorted()).toEqual(paths.toSorted());
  });

  test("has a man page for each launcher: that of its command, or one that includes it", () => {
    for (const { path, page } of launchers) {
      const stub = stubs.find((one) => one.path === path);
      expect(stub?.target ?? path).toBe(page.path);
    }
    expect(stubs.length + pages.length).toBe(manifest.man.length);
  });
});
