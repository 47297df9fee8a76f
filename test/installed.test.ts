import { chmodSync, cpSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { environment, finished, shell, start, startSink, stopAll } from "./support/processes.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const SOURCES = ["bin", "src", "man", "package.json", "build.mjs", "README.md", "CHANGELOG.md", "LICENSE"];

afterEach(stopAll);

/** The README's command, which installs from a clone whose dependencies are there. */
function installCommand(): string {
  const [, command = ""] =
    /^npm ci && (npm install .*)$/m.exec(readFileSync(`${ROOT}README.md`, "utf8")) ?? [];
  expect(command).toContain("npm pack");
  return command;
}

test("the package installs as the README says, and serves other users when the clone is gone", async () => {
  const clone = temporaryFolder();
  for (const name of SOURCES) cpSync(`${ROOT}${name}`, `${clone}/${name}`, { recursive: true });
  symlinkSync(`${ROOT}node_modules`, `${clone}/node_modules`);
  // A private folder, as a home often is.
  chmodSync(clone, 0o700);
  const prefix = temporaryFolder();
  chmodSync(prefix, 0o755);
  const npm = { npm_config_prefix: prefix, npm_config_audit: "false", npm_config_fund: "false" };
  const quiet = { npm_config_update_notifier: "false", npm_config_cache: `${clone}/.npm` };
  const installed = await shell(`umask 022; cd '${clone}' && ${installCommand()}`, { ...npm, ...quiet });
  expect([installed.code, installed.stderr]).toEqual([0, ""]);
  rmSync(clone, { recursive: true });

  expect(readdirSync(`${prefix}/bin`).toSorted()).toEqual(Object.keys(manifest.bin).toSorted());
  expect(statSync(`${prefix}/lib/node_modules/qmtp/dist/main.js`).isFile()).toBe(true);
  const sink = await startSink();
  const anotherUser = process.geteuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const run = (name: string, ...args: string[]) => {
    const child = start(`${prefix}/bin/${name}`, args, {
      env: environment(),
      cwd: "/",
      stdio: "pipe",
      ...anotherUser,
    });
    child.stdin?.end("Subject: hi\n\nhi\n");
    return finished(child);
  };
  expect(await run("qmtp", "--version")).toMatchObject({ code: 0, stdout: `qmtp ${manifest.version}\n` });
  const sent = await run("qmtp", "send", "-s", sink.endpoint, "-f", "a@x", "b@y");
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  expect(await run("qmtp-sendmail", "-s", sink.endpoint, "-f", "a@x", "b@y")).toMatchObject({
    code: 0,
    stderr: "",
  });
  expect((await run("qmtp", "man", "send")).stdout).toContain("EXAMPLES");
});
