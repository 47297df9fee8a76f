import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { newMark } from "./leftovers.ts";
import { environment, printed, start, startGroup, stopAll } from "./processes.ts";
import { WATCHDOG } from "./watchdog.ts";

afterEach(stopAll);

/** Starts the watchdog with two processes, one of which has ended, and a group; then waits. */
const PARENT = `
  const { spawn } = require("node:child_process");
  const watchdog = spawn("/bin/sh", [${JSON.stringify(WATCHDOG)}], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  const one = spawn("sleep", ["1000"], { stdio: "ignore" });
  const group = spawn("sh", ["-c", "sleep 1000 & sleep 1000"], { detached: true, stdio: "ignore" });
  watchdog.stdin.write("+ " + one.pid + "\\n+ 999999999\\n- 999999999\\n+ -" + group.pid + "\\n", () => console.log("up"));
  setInterval(() => {}, 1000);`;

test.each(["SIGTERM", "SIGINT", "SIGKILL"] as const)(
  "the children of a process end with it on %s",
  async (signal) => {
    const mark = newMark();
    const parent = start(process.execPath, ["-e", PARENT], { env: environment(mark.env), stdio: "pipe" });
    await printed(parent.stdout, /^up\n/);
    parent.kill(signal);
    await once(parent, "exit");
    expect(await mark.left()).toEqual([]);
  },
);

test("a process stopped by its test is not left to the watchdog", async () => {
  const mark = newMark();
  startGroup("sh", ["-c", "sleep 1000 & sleep 1000"], { env: environment(mark.env), stdio: "ignore" });
  await stopAll();
  expect(await mark.left()).toEqual([]);
});
