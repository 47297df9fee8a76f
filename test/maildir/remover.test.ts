import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Remover } from "../../src/maildir/remover.ts";

let folder: string;
let remover: Remover;

beforeEach(() => {
  folder = mkdtempSync(`${tmpdir()}/qmtp-remover-`);
  remover = new Remover();
});

afterEach(async () => {
  await remover.close();
  rmSync(folder, { recursive: true });
});

/** Few are removed at once, many by a thread: nobody should be able to tell. */
describe.each([3, 1_000])("of %i files", (count) => {
  test("each is gone when that is told, in the order in which it was asked for", async () => {
    const paths = Array.from({ length: count }, (_, index) => `${folder}/${index}`);
    for (const path of paths) writeFileSync(path, "");
    const told: string[] = [];
    for (const path of paths) {
      remover.remove(path, (error) => {
        expect(error).toBeUndefined();
        expect(existsSync(path)).toBe(false);
        told.push(path);
      });
    }
    expect(remover.pending).toBe(count);
    await remover.until(0);
    expect(told).toEqual(paths);
  });

  test("one that cannot be removed is told with its reason, and the others go", async () => {
    const told: (string | undefined)[] = [];
    for (let index = 0; index < count; index++) {
      if (index !== 1) writeFileSync(`${folder}/${index}`, "");
      remover.remove(`${folder}/${index}`, (error) =>
        told.push((error as NodeJS.ErrnoException | undefined)?.code),
      );
    }
    await remover.until(0);
    expect(told).toEqual(Array.from({ length: count }, (_, index) => (index === 1 ? "ENOENT" : undefined)));
  });

  test("names that are no UTF-8 are removed, and what removes nothing waits for its turn", async () => {
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff, 0xfe)]);
    writeFileSync(path, "");
    const told: string[] = [];
    for (let index = 2; index < count; index++) remover.afterThose(() => told.push("nothing"));
    remover.remove(path, (error) => told.push(String(error)));
    remover.afterThose(() => told.push("last"));
    await remover.until(0);
    expect(existsSync(path)).toBe(false);
    expect(told.slice(-2)).toEqual(["undefined", "last"]);
  });
});

test("whoever waits for room need not wait for all", async () => {
  for (let index = 0; index < 1_000; index++) {
    writeFileSync(`${folder}/${index}`, "");
    remover.remove(`${folder}/${index}`, () => {});
  }
  await remover.until(900);
  expect(remover.pending).toBeGreaterThan(0);
  await remover.until(0);
});
