import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { codeOf, pageOf, readme } from "./documents.ts";

/** The recipe that acts on the exit code of a file sent from cron. */
const recipeIn = (texts: readonly string[]) => texts.find((text) => text.includes("case $? in")) ?? "";
/** The literal blocks of the man page. */
const displays = [...pageOf("send").text.matchAll(/^\.Bd -literal[^\n]*\n(.*?)^\.Ed$/gms)].map((match) =>
  String(match[1]),
);

const RECIPES = { "the README": recipeIn(codeOf(readme).blocks), "qmtp-send(1)": recipeIn(displays) };

/** Runs a recipe on a report, with a program in place of qmtp, or none. */
function run(recipe: string, program: string | undefined, mode = 0o755): "sent" | "refused" | "kept" {
  const folder = temporaryFolder();
  mkdirSync(`${folder}/refused`);
  mkdirSync(`${folder}/bin`);
  writeFileSync(`${folder}/report.eml`, "Subject: report\n\n");
  writeFileSync(`${folder}/list.txt`, "admin@example.org\n");
  if (program !== undefined) {
    writeFileSync(`${folder}/bin/qmtp`, `#!/bin/sh\n${program}\n`);
    chmodSync(`${folder}/bin/qmtp`, mode);
  }
  const PATH = `${folder}/bin:/usr/bin:/bin`;
  const shell = spawnSync("/bin/sh", ["-c", recipe], { cwd: folder, env: { PATH }, encoding: "utf8" });
  expect(shell.error).toBeUndefined();
  if (existsSync(`${folder}/report.eml`)) return "kept";
  return existsSync(`${folder}/refused/report.eml`) ? "refused" : "sent";
}

describe.each(Object.entries(RECIPES))("the recipe for cron in %s", (_, recipe) => {
  test("is there", () => {
    expect(recipe).toMatch(/^qmtp send .*report\.eml/);
    expect(recipe).toContain("esac");
  });

  test("removes the report after a success, and files it away after a failure", () => {
    expect(run(recipe, "exit 0")).toBe("sent");
    expect(run(recipe, "exit 100")).toBe("refused");
  });

  test.each([1, 9, 111, 126, 127, 134, 139])("keeps the report after exit code %i", (code) => {
    expect(run(recipe, `exit ${code}`)).toBe("kept");
  });

  test.each(["KILL", "TERM", "SEGV", "ABRT", "HUP"])("keeps the report if SIG%s ends qmtp", (signal) => {
    expect(run(recipe, `kill -${signal} $$`)).toBe("kept");
  });

  test("keeps the report if qmtp cannot be run, or is not there", () => {
    expect(run(recipe, "exit 0", 0o644)).toBe("kept");
    expect(run(recipe, undefined)).toBe("kept");
  });
});
