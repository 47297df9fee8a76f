import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { environment, type Finished, finished, start, stopAll } from "./support/processes.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const ROOT = new URL("..", import.meta.url).pathname;

afterEach(stopAll);

let folder: string;

/** A clone, built. */
beforeEach(() => {
  folder = temporaryFolder();
  for (const name of ["bin", "dist", "src", "package.json", "build.mjs"]) {
    cpSync(`${ROOT}${name}`, `${folder}/${name}`, { recursive: true, preserveTimestamps: true });
  }
  symlinkSync(`${ROOT}node_modules`, `${folder}/node_modules`);
});

function run(script: string, ...args: string[]): Promise<Finished> {
  return finished(start(process.execPath, [`${folder}/${script}`, ...args], { env: environment() }));
}

const files = () => readdirSync(`${folder}/dist`).toSorted();

test("a failed build leaves the program as it was", async () => {
  const before = files();
  const main = readFileSync(`${folder}/dist/main.js`);
  appendFileSync(`${folder}/src/main.ts`, 'import "./nowhere.ts";\n');
  const built = await run("build.mjs");
  expect(built.code).not.toBe(0);
  expect(built.stderr).toContain("nowhere.ts");
  expect(files()).toEqual(before);
  expect(readFileSync(`${folder}/dist/main.js`).equals(main)).toBe(true);
  expect((await run("bin/qmtp", "--version")).code).toBe(0);
});

test("the program can be started at any point in a build, and nothing of the old one is left", async () => {
  writeFileSync(`${folder}/dist/left-over.js`, "");
  appendFileSync(`${folder}/src/main.ts`, 'process.env.QMTP_BUILD = "another";\n');
  let building = true;
  const built = run("build.mjs").finally(() => {
    building = false;
  });
  let runs = 0;
  for (; building; runs++) {
    expect(await run("bin/qmtp", "--version")).toMatchObject({ code: 0, stderr: "" });
  }
  expect(await built).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  expect(runs).toBeGreaterThan(3);
  expect(files()).not.toContain("left-over.js");
  expect(files().filter((name) => name.endsWith(".cache")).length).toBe(3);
  expect(readFileSync(`${folder}/dist/main.js`, "latin1")).toContain("another");
});

test("a command that is run once per message does without the tools", async () => {
  rmSync(`${folder}/dist/tools.js`);
  expect(await run("bin/qmtp", "send", "-n", "--test", "-f", "a@x", "b@y")).toMatchObject({
    code: 0,
    stderr: "",
  });
  expect((await run("bin/qmtp", "check", "--list")).code).not.toBe(0);
});
