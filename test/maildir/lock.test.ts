import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, statSync, symlinkSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { lockMaildir } from "../../src/maildir/lock.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let maildir: string;

beforeEach(() => {
  maildir = temporaryFolder();
});

const lock = () => lockMaildir(maildir);
/** Whether flock(1) gets the lock, as a script would. */
const isFree = () => spawnSync("flock", ["-n", `${maildir}/.qmtp-lock`, "true"]).status === 0;

test("only one holder locks a maildir, until it releases the lock; the file stays, private to its owner", () => {
  const { release } = lock();
  expect(isFree()).toBe(false);
  expect(lock).toThrow(expect.objectContaining({ code: "maildir-locked" }));
  release();
  expect(isFree()).toBe(true);
  lock().release();
  expect(statSync(`${maildir}/.qmtp-lock`).mode & 0o777).toBe(0o600);
});

test("a refused attempt leaves the lock with its holder", () => {
  const { release } = lock();
  expect(lock).toThrow("another run");
  expect(isFree()).toBe(false);
  release();
});

test.each<[string, (path: string) => void]>([
  ["a symbolic link", (path) => symlinkSync(`${path}-elsewhere`, path)],
  ["a directory", (path) => mkdirSync(path)],
  // It does not block.
  ["a named pipe or a socket", (path) => execFileSync("mkfifo", [path])],
])("%s in place of the lock file is an error that says what to remove", (what, make) => {
  const path = `${maildir}/.qmtp-lock`;
  make(path);
  const message = `cannot lock the maildir ${maildir}: ${path} is ${what}; remove it`;
  expect(lock).toThrow(expect.objectContaining({ code: "unlockable-maildir", message }));
});

test("a missing maildir cannot be locked", () => {
  maildir = `${maildir}/none`;
  expect(lock).toThrow(expect.objectContaining({ code: "unlockable-maildir" }));
});

test("without flock(1), a maildir cannot be locked", () => {
  const { PATH } = process.env;
  process.env.PATH = maildir;
  try {
    expect(lock).toThrow(`cannot lock the maildir ${maildir}: there is no flock(1); install util-linux`);
  } finally {
    process.env.PATH = PATH;
  }
});
