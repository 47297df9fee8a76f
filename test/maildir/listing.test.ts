import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { abandonedFiles, removeAbandoned } from "../../src/maildir/abandoned.ts";
import { systemPath } from "../../src/maildir/file-names.ts";
import { checkMaildir, Listing, movedPath } from "../../src/maildir/listing.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let maildir: string;

beforeEach(() => {
  maildir = temporaryFolder();
  for (const folder of ["tmp", "new", "cur"]) mkdirSync(`${maildir}/${folder}`);
});

/** A file with both times set to that many seconds since 1970. */
function put(name: string, seconds: number, content = ""): void {
  writeFileSync(`${maildir}/${name}`, content);
  utimesSync(`${maildir}/${name}`, seconds, seconds);
}

const list = (before = 1e12) => new Listing(maildir, before);
const names = (files: Iterable<{ name: string }>) => Array.from(files, ({ name }) => name);

describe("the files of a maildir", () => {
  test("are sent oldest first, or newest first, whichever folder they are in", () => {
    put("new/b", 2_000, "four");
    put("new/a", 3_000);
    put("cur/c", 1_000, "x");
    const listing = list();
    expect(listing.length).toBe(3);
    expect([...listing.files()]).toEqual([
      { name: "cur/c", path: `${maildir}/cur/c`, mtimeMs: 1_000_000, bytes: 1 },
      { name: "new/b", path: `${maildir}/new/b`, mtimeMs: 2_000_000, bytes: 4 },
      { name: "new/a", path: `${maildir}/new/a`, mtimeMs: 3_000_000, bytes: 0 },
    ]);
    expect(names(listing.files(true))).toEqual(["new/a", "new/b", "cur/c"]);
    // Listing in one order does not change the other.
    expect(names(listing.files())).toEqual(["cur/c", "new/b", "new/a"]);
  });

  test("of the same age keep the system's order, those in new first", () => {
    for (const name of ["cur/1", "new/2", "new/1", "new/3"]) put(name, 1_000);
    const found = names(list().files());
    expect(found.slice(0, 3)).toEqual(readdirSync(`${maildir}/new`).map((name) => `new/${name}`));
    expect(found[3]).toBe("cur/1");
  });

  test("that are no older than the limit may still be arriving", () => {
    put("new/old", 999);
    put("new/young", 1_000);
    put("cur/younger", 1_001);
    const listing = list(1_000_000);
    expect(names(listing.files())).toEqual(["new/old"]);
    expect(names(listing.tooNew())).toEqual(["new/young", "cur/younger"]);
    expect(listing.length).toBe(1);
  });

  test("with names that begin with a dot are ignored", () => {
    put("new/.hidden", 1_000);
    mkdirSync(`${maildir}/cur/.folder`);
    const listing = list();
    expect([listing.length, listing.unusable]).toEqual([0, []]);
  });

  test("in tmp are not sent", () => {
    put("tmp/1", 1_000);
    expect(list().length).toBe(0);
  });

  test("have names of any bytes", () => {
    const path = Buffer.concat([Buffer.from(`${maildir}/new/`), Buffer.of(0xff, 0xc3)]);
    writeFileSync(path, "");
    const [file] = [...list(Number.POSITIVE_INFINITY).files()];
    expect(file).toMatchObject({ name: "new/\xff\xc3", path });
  });
});

test("files that cannot be sent are named with the reason", () => {
  mkdirSync(`${maildir}/new/folder`);
  symlinkSync("/none", `${maildir}/new/nothing`);
  symlinkSync("loop", `${maildir}/cur/loop`);
  symlinkSync("/dev/null", `${maildir}/cur/null`);
  execFileSync("mkfifo", [`${maildir}/cur/pipe`]);
  put("cur/file", 1_000);
  const listing = list();
  const byName = [...listing.unusable].sort((one, other) => (one.name < other.name ? -1 : 1));
  expect(byName).toEqual([
    { name: "cur/loop", why: "too many symbolic links" },
    { name: "cur/null", why: "it is a device" },
    { name: "cur/pipe", why: "it is a named pipe" },
    { name: "new/folder", why: "it is a directory" },
    { name: "new/nothing", why: "it is a symbolic link to nothing" },
  ]);
  expect(names(listing.files())).toEqual(["cur/file"]);
});

describe("a folder is a maildir", () => {
  test("with new and cur", () => {
    expect(() => checkMaildir(maildir)).not.toThrow();
  });

  test.each(["new", "cur"])("not without %s", (folder) => {
    rmSync(`${maildir}/${folder}`, { recursive: true });
    const error = expect.objectContaining({ code: "unreadable-maildir" });
    expect(() => checkMaildir(maildir)).toThrow(error);
    expect(() => list()).toThrow(error);
    writeFileSync(`${maildir}/${folder}`, "");
    expect(() => checkMaildir(maildir)).toThrow(error);
  });
});

describe("a file that a mail reader has moved", () => {
  test.each(["1.host", "1.host:2,S", "1.host:2,\xff"])("is found as cur/%s", (moved) => {
    for (const other of ["1", "1.host2", "11.host:2,S"]) put(`cur/${other}`, 1_000);
    writeFileSync(Buffer.from(`${maildir}/cur/${moved}`, "latin1"), "");
    const found = movedPath(maildir, "new/1.host");
    expect(Buffer.from(found ?? "").equals(Buffer.from(`${maildir}/cur/${moved}`, "latin1"))).toBe(true);
  });

  test("is found when its flags change", () => {
    put("cur/1.host:2,RS", 1_000);
    expect(movedPath(maildir, "cur/1.host:2,S")).toBe(`${maildir}/cur/1.host:2,RS`);
  });

  test("is not found if it has gone or cannot be looked for", () => {
    put("cur/2.host", 1_000);
    expect(movedPath(maildir, "new/1.host")).toBeUndefined();
    rmSync(`${maildir}/cur`, { recursive: true });
    expect(movedPath(maildir, "new/1.host")).toBeUndefined();
  });
});

describe("a file that a delivery left in tmp", () => {
  const HOURS_36 = 129_600;
  const NOW = 1_000_000;

  test("is removed once it has not been read for more than 36 hours", () => {
    put("tmp/old", NOW - HOURS_36 - 1);
    put("tmp/young", NOW - HOURS_36);
    put("tmp/.hidden", 1);
    put("new/old", 1);
    mkdirSync(`${maildir}/tmp/folder`);
    utimesSync(`${maildir}/tmp/folder`, 1, 1);
    symlinkSync("none", `${maildir}/tmp/link`);
    expect(abandonedFiles(maildir, NOW * 1_000)).toEqual(["tmp/old"]);
    removeAbandoned(maildir, NOW * 1_000);
    expect(readdirSync(`${maildir}/tmp`).sort()).toEqual([".hidden", "folder", "link", "young"]);
    expect(existsSync(`${maildir}/new/old`)).toBe(true);
  });

  test("may have a name of any bytes", () => {
    put("tmp/x", 1);
    renameSync(`${maildir}/tmp/x`, Buffer.concat([Buffer.from(`${maildir}/tmp/`), Buffer.of(0xfe)]));
    removeAbandoned(maildir, NOW * 1_000);
    expect(readdirSync(`${maildir}/tmp`)).toEqual([]);
  });

  test("does not exist without tmp", () => {
    rmSync(`${maildir}/tmp`, { recursive: true });
    expect(abandonedFiles(maildir, NOW)).toEqual([]);
  });
});

test("names are passed to the system as bytes", () => {
  expect(systemPath("new/1\n.host~\x7f")).toBe("new/1\n.host~\x7f");
  expect(systemPath("new/\x80")).toEqual(Buffer.from("new/\x80", "latin1"));
});
