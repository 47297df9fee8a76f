import { readdirSync, readFileSync } from "node:fs";
import { beforeEach, expect, test, vi } from "vitest";
import { spoolDeferred } from "../../src/maildir/spooling.ts";
import { createMaildir } from "../../src/maildir/store.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import type { Message } from "../../src/protocol/package.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Syncs that have begun: each waits until all that can begin have begun, and fails if its turn is in `failing`. */
const disk = vi.hoisted(() => ({ waiting: 0, most: 0, syncs: 0, failing: [] as number[] }));

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  return {
    ...real,
    fsync: (fd: number, done: (error: Error | null) => void) => {
      const turn = disk.syncs++;
      disk.waiting++;
      disk.most = Math.max(disk.most, disk.waiting);
      setTimeout(() => {
        disk.waiting--;
        if (!disk.failing.includes(turn)) real.fsync(fd, done);
        else done(Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO" }));
      }, 1);
    },
  };
});

let maildir: string;

beforeEach(async () => {
  Object.assign(disk, { waiting: 0, most: 0, syncs: 0, failing: [] });
  maildir = `${temporaryFolder()}/spool`;
  await createMaildir(maildir);
});

const message: Message = { encoding: "unix", length: 3, chunks: () => [Buffer.from("hi\n")] };

const deliveriesTo = (count: number, status: Delivery["status"] = "deferral"): Delivery[] =>
  Array.from({ length: count }, (_, index) => ({
    recipient: Buffer.from(`${index}@y`),
    status,
    text: Buffer.from("later"),
    origin: "server",
    possibleDuplicate: false,
  }));

const spool = (deliveries: readonly Delivery[], counts: number[] = []) =>
  spoolDeferred(deliveries, Buffer.from("a@x"), message, maildir, (count) => counts.push(count));

const recipientsIn = (folder: string) =>
  readdirSync(`${maildir}/${folder}`).map(
    (name) => /^Delivered-To: (.*)$/m.exec(readFileSync(`${maildir}/${folder}/${name}`, "utf8"))?.[1],
  );

test("messages wait for the disk together, but never more than 64", async () => {
  const counts: number[] = [];
  const { deliveries, problems } = await spool(deliveriesTo(200), counts);
  expect(disk.most).toBe(64);
  expect(counts).toEqual([64, 128, 192, 200]);
  expect([deliveries.every(({ spooled }) => spooled), problems]).toEqual([true, []]);
  expect(recipientsIn("new").sort()).toEqual(
    deliveriesTo(200)
      .map(({ recipient }) => `${recipient}`)
      .sort(),
  );
});

test("one among many that cannot be synced is not spooled, and leaves no file", async () => {
  disk.failing = [70];
  const { deliveries, problems } = await spool(deliveriesTo(100));
  const lost = deliveries.filter(({ spooled }) => !spooled).map(({ recipient }) => `${recipient}`);
  expect([lost, problems]).toEqual([["70@y"], ["input/output error"]]);
  expect([recipientsIn("new").includes("70@y"), recipientsIn("new").length, recipientsIn("tmp")]).toEqual([
    false,
    99,
    [],
  ]);
});

test("the message is read for one recipient at a time: each reader may need a large buffer", async () => {
  let [readers, most] = [0, 0];
  async function* chunks() {
    most = Math.max(most, ++readers);
    await new Promise(setImmediate);
    yield Buffer.from("hi\n");
    readers--;
  }
  await spoolDeferred(deliveriesTo(20), Buffer.from("a@x"), { ...message, chunks }, maildir);
  expect([most, recipientsIn("new").length]).toEqual([1, 20]);
});

test("only deferrals are spooled, and without any the disk is left alone", async () => {
  const { deliveries } = await spool([...deliveriesTo(1, "success"), ...deliveriesTo(1, "failure")]);
  expect([deliveries.map(({ spooled }) => spooled), disk.syncs]).toEqual([[false, false], 0]);
});
