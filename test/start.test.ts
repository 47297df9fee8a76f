import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startSink } from "./support/in-process.ts";
import { environment, finished, start, stopAll } from "./support/processes.ts";
import { skip } from "./support/skip.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const cacheOf = (launcher: string) =>
  new RegExp(`^${launcher}-v${process.versions.node}-${process.arch}-[0-9a-f]{16}\\.cache$`);
const CACHE = cacheOf("qmtp");

afterEach(stopAll);

let folder: string;

/** The program as the npm package holds it: without compiled code. */
beforeEach(() => {
  folder = temporaryFolder();
  chmodSync(folder, 0o755);
  mkdirSync(`${folder}/dist`);
  cpSync(`${ROOT}bin`, `${folder}/bin`, { recursive: true });
  for (const file of readdirSync(`${ROOT}dist`).filter((name) => name.endsWith(".js"))) {
    cpSync(`${ROOT}dist/${file}`, `${folder}/dist/${file}`);
  }
  chmodSync(`${folder}/dist`, 0o755);
});

const kept = () => readdirSync(`${folder}/dist`).filter((name) => !name.endsWith(".js"));
const cachePath = () => `${folder}/dist/${kept()[0]}`;

interface RunAs {
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: Record<string, string>;
}

async function run(args: readonly string[], options: RunAs = {}, launcher = "qmtp") {
  const child = start(process.execPath, [`${folder}/bin/${launcher}`, ...args], {
    stdio: "pipe",
    ...options,
    env: environment({ HOME: folder, ...options.env }),
  });
  child.stdin?.end("hi\n");
  return finished(child);
}

async function send(options: RunAs = {}): Promise<void> {
  const sink = await startSink();
  const sent = await run(["send", "-s", sink.endpoint, "-f", "a@x", "b@y"], options);
  expect(sent).toMatchObject({ code: 0, signal: null, stderr: "" });
  expect(sent.stdout).toMatch(/^b@y: success: ok \d+ qp 1\n$/);
  await sink.stop();
}

test.each(["qmtp", "qmail-qmtpc", "qmtp-sendmail"])(
  "the build keeps compiled code of %s for this Node",
  (launcher) => {
    expect(readdirSync(`${ROOT}dist`).filter((name) => cacheOf(launcher).test(name)).length).toBe(1);
  },
);

describe("compiled code", () => {
  test("is saved by the first run that sends, and used by later ones", async () => {
    expect((await run(["--help"])).code).toBe(0);
    expect(kept()).toEqual([]);
    await send();
    expect(kept()).toEqual([expect.stringMatching(CACHE)]);
    const { ino, mtimeMs, mode } = statSync(cachePath());
    expect(mode & 0o777).toBe(0o644);
    await send();
    // Code that V8 rejects would be rewritten.
    expect(statSync(cachePath())).toMatchObject({ ino, mtimeMs });
  });

  test.each<[string, (path: string) => void]>([
    ["truncated", (path) => truncateSync(path, 1_000)],
    ["empty", (path) => truncateSync(path)],
    ["garbage", (path) => writeFileSync(path, Buffer.alloc(200_000, "x"))],
    // V8 itself notices none of the next two, and crashes.
    [
      "damaged in the middle",
      (path) => {
        const bytes = readFileSync(path);
        for (const at of [bytes.length >> 2, bytes.length >> 1]) bytes[at] = (bytes[at] as number) ^ 0xff;
        writeFileSync(path, bytes);
      },
    ],
    ["half zeros", (path) => writeFileSync(path, readFileSync(path).fill(0, 65_536))],
    [
      "unreadable as a file",
      (path) => {
        writeFileSync(`${path}.copy`, readFileSync(path));
        chmodSync(path, 0o000);
      },
    ],
  ])("that is %s changes nothing that a user sees", async (_, damage) => {
    await send();
    damage(cachePath());
    await send();
    await send();
  });

  test("is saved by each launcher for itself; one without its own uses that of qmtp", async () => {
    const sink = await startSink();
    const sendmail = (options: RunAs = {}) =>
      run(["--server", sink.endpoint, "-f", "a@x", "b@y"], options, "qmtp-sendmail");
    await send();
    const { ino, mtimeMs } = statSync(cachePath());
    expect(await sendmail()).toMatchObject({ code: 0, stderr: "" });
    expect(kept().toSorted()).toEqual([
      expect.stringMatching(cacheOf("qmtp-sendmail")),
      expect.stringMatching(CACHE),
    ]);
    expect(statSync(`${folder}/dist/${kept().find((name) => CACHE.test(name))}`)).toMatchObject({
      ino,
      mtimeMs,
    });
    await sink.stop();
  });

  test("of another main.js is ignored", async () => {
    await send();
    const [name = ""] = kept();
    cpSync(cachePath(), `${folder}/dist/${name.replace(/[0-9a-f]{16}/, "0123456789abcdef")}`);
    writeFileSync(cachePath(), "");
    await send();
    expect(statSync(`${folder}/dist/${name}`).size).toBeGreaterThan(100_000);
  });

  test("is neither saved nor replaced by a run with flags for V8", async () => {
    const flags = { NODE_OPTIONS: "--max-old-space-size=100" };
    await send({ env: flags });
    expect(kept()).toEqual([]);
    await send();
    const { ino, mtimeMs } = statSync(cachePath());
    await send({ env: flags });
    expect(statSync(cachePath())).toMatchObject({ ino, mtimeMs });
  });

  test("is not saved if others may write there", async () => {
    for (const mode of [0o775, 0o757]) {
      chmodSync(`${folder}/dist`, mode);
      await send();
      expect(kept()).toEqual([]);
    }
  });

  test("is not saved for another user, whose runs succeed", async (context) => {
    if (process.geteuid?.() !== 0) {
      skip(context, "only root can run a program as another user");
    }
    await send({ uid: 65_534, gid: 65_534 });
    expect(kept()).toEqual([]);
    await send();
    const { ino, mtimeMs } = statSync(cachePath());
    await send({ uid: 65_534, gid: 65_534 });
    expect(statSync(cachePath())).toMatchObject({ ino, mtimeMs });
  });
});
