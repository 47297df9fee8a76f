import { closeSync, openSync, truncateSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { fileChunks } from "../../src/message/file-chunks.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MIB = 1024 * 1024;

/** Reads a file of zeros; gives the bytes read before each turn of the event loop, and in all. */
async function read(bytes: number): Promise<{ atTurns: number[]; all: number }> {
  const path = `${temporaryFolder()}/file`;
  writeFileSync(path, "");
  truncateSync(path, bytes);
  const fd = openSync(path, "r");
  const atTurns: number[] = [];
  let all = 0;
  let reading = true;
  const turn = () => {
    if (!reading) return;
    atTurns.push(all);
    setImmediate(turn);
  };
  setImmediate(turn);
  for await (const chunk of fileChunks(fd)) all += chunk.length;
  reading = false;
  closeSync(fd);
  return { atTurns, all };
}

test("timers and signals get a turn after every 4 MiB of a file, and all its bytes are read", async () => {
  const { atTurns, all } = await read(10 * MIB);
  expect(all).toBe(10 * MIB);
  expect([...new Set(atTurns)]).toEqual([4 * MIB, 8 * MIB]);
});

test("a small file is read without a turn of the event loop", async () => {
  expect(await read(3 * MIB)).toEqual({ atTurns: [], all: 3 * MIB });
});
