import { readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { exchange } from "../support/exchange.ts";
import { environment, finished, LAUNCHER, printed, startGroup, stopAll } from "../support/processes.ts";
import { needsStrace } from "../support/strace.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { wirePackage } from "../support/wire.ts";

afterEach(stopAll);

test("the sink syncs a message and its name before it reports success", async (context) => {
  needsStrace(context, "the order of the sink's system calls");
  const folder = temporaryFolder();
  const calls = "--trace=fsync,fdatasync,rename,renameat,renameat2,write,writev,sendto,sendmsg";
  const strace = ["-f", "-y", calls, "-o", `${folder}/calls`, process.execPath, LAUNCHER];
  const sink = ["sink", "--listen", "127.0.0.1:0", "--exit-after", "1", "--maildir", `${folder}/maildir`];
  // strace ends when the sink does; stopping strace itself would leave the sink running.
  const child = startGroup("strace", [...strace, ...sink], { env: environment(), stdio: "pipe" });
  const done = finished(child);
  const [, endpoint = ""] = await printed(child.stderr, /listening on (\S+)\n/);
  expect(await exchange(endpoint, wirePackage({ message: "hi\n" }))).toMatch(/^\d+:Kok/);
  await done;
  const steps = readFileSync(`${folder}/calls`, "latin1")
    .split("\n")
    .flatMap((call) => {
      if (/fsync\(\d+<[^>]*\/maildir\/tmp\/[^>]+>/.test(call)) return ["message synced"];
      if (/rename.*\/maildir\/tmp\/.*\/maildir\/new\//.test(call)) return ["renamed"];
      if (/fsync\(\d+<[^>]*\/maildir\/new>/.test(call)) return ["name synced"];
      return call.includes(":Kok ") ? ["answered"] : [];
    });
  expect(steps).toEqual(["message synced", "renamed", "name synced", "answered"]);
});
