import { readFileSync, writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { startSink } from "../../support/in-process.ts";
import { qmtp, stopAll } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

afterEach(stopAll);

/**
 * Loaded before the program: at exit, it writes what was loaded, and whether the program asked for standard error.
 * Node itself does whenever a socket is closed.
 */
const WATCH = `
const { get } = Object.getOwnPropertyDescriptor(process, "stderr");
let created = false;
const watch = () => {
  const [, , caller] = new Error().stack.split("\\n");
  if (!caller.includes("node:")) created = true;
  return get();
};
Object.defineProperty(process, "stderr", { get: watch });
process.on("exit", () => {
  const report = { created, modules: process.moduleLoadList };
  require("node:fs").writeFileSync(process.env.WATCHED, JSON.stringify(report));
});`;

interface Watched {
  readonly created: boolean;
  readonly modules: readonly string[];
}

async function watched(...args: string[]): Promise<Watched> {
  const folder = temporaryFolder();
  writeFileSync(`${folder}/watch.cjs`, WATCH);
  const env = { NODE_OPTIONS: `--require=${folder}/watch.cjs`, WATCHED: `${folder}/report` };
  const sink = await startSink();
  const input = "Subject: hi\n\nhi\n";
  const sent = await qmtp(["send", "-s", sink.endpoint, "-f", "a@x", "b@y", ...args], { env, input });
  expect(sent.code).toBe(0);
  return JSON.parse(readFileSync(env.WATCHED, "utf8"));
}

test("a run without -v creates no stream for standard error; one with -v does", async () => {
  expect((await watched()).created).toBe(false);
  expect((await watched("-v")).created).toBe(true);
});

test("times are measured without perf_hooks, whose loading takes a millisecond", async () => {
  const { modules } = await watched();
  expect(modules).toContain("NativeModule net");
  expect(modules).not.toContain("NativeModule perf_hooks");
});
