import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Remover } from "../../src/maildir/remover.ts";

let folder: string;
let remover: Remover;

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/qmtp-remover-`);
  remover = new Remover(Number.POSITIVE_INFINITY);
});

afterEach(async () => {
  await remover.close();
  rmSync(folder, { recursive: true });
});

/** Removed directly or by a thread: the result must be the same. */
describe.each([
  ["directly", 3],
  ["by a thread", 1_000],
])("removed %s, of %i files", (how, count) => {
  beforeEach(async () => {
    if (how === "by a thread") await remover.startThread();
  });

  test("each is gone when its removal is reported, in the order requested", async () => {
    const paths = Array.from({ length: count }, (_, index) => `${folder}/${index}`);
    for (const path of paths) writeFileSync(path, "");
    const reported: string[] = [];
    for (const path of paths) {
      remover.remove(path, (error) => {
        expect(error).toBeUndefined();
        expect(existsSync(path)).toBe(false);
        reported.push(path);
      });
    }
    expect(remover.pending).toBe(count);
    await remover.until(0);
    expect(reported).toEqual(paths);
  });

  test("one that cannot be removed is reported with its reason, and the others are removed", async () => {
    const reported: (string | undefined)[] = [];
    for (let index = 0; index < count; index++) {
      if (index !== 1) writeFileSync(`${folder}/${index}`, "");
      remover.remove(`${folder}/${index}`, (error) =>
        reported.push((error as NodeJS.ErrnoException | undefined)?.code),
      );
    }
    await remover.until(0);
    expect(reported).toEqual(
      Array.from({ length: count }, (_, index) => (index === 1 ? "ENOENT" : undefined)),
    );
  });

  test("names that are not UTF-8 are removed, and callbacks without a removal wait their turn", async () => {
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0xfe)]);
    writeFileSync(path, "");
    const reported: string[] = [];
    for (let index = 2; index < count; index++) remover.afterEarlier(() => reported.push("nothing"));
    remover.remove(path, (error) => reported.push(String(error)));
    remover.afterEarlier(() => reported.push("last"));
    await remover.until(0);
    expect(existsSync(path)).toBe(false);
    expect(reported.slice(-2)).toEqual(["undefined", "last"]);
  });
});

test("files are removed in order while the thread starts and takes over", async () => {
  remover = new Remover(Number.MIN_VALUE);
  const reported: number[] = [];
  for (let index = 0; index < 2_000; index++) {
    writeFileSync(`${folder}/${index}`, "");
    remover.remove(`${folder}/${index}`, (error) => {
      expect(error).toBeUndefined();
      reported.push(index);
    });
    if (index % 10 === 0) await new Promise(setImmediate);
    if (index === 1_000) await remover.startThread();
  }
  await remover.until(0);
  expect(reported).toEqual(Array.from({ length: 2_000 }, (_, index) => index));
  expect(readdirSync(folder)).toEqual([]);
});

test("waiting for room does not wait for all removals", async () => {
  await remover.startThread();
  for (let index = 0; index < 1_000; index++) {
    writeFileSync(`${folder}/${index}`, "");
    remover.remove(`${folder}/${index}`, () => {});
  }
  await remover.until(900);
  expect(remover.pending).toBeGreaterThan(0);
  await remover.until(0);
});
