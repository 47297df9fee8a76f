import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, statSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { BatchedStore } from "../../src/maildir/batched.ts";
import { createMaildir, MAX_SYNCS, syncNew, writeMessage } from "../../src/maildir/store.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Disk operations, in order; a message's own name is "NAME". */
const steps = vi.hoisted((): string[] => []);

const shown = vi.hoisted(
  () => (path: unknown) => `${path}`.replace(/^.*?\/maildir/, "maildir").replace(/\d+\.M.*/, "NAME"),
);

vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return {
    ...real,
    open: async (path: string, ...rest: [string, number]): Promise<FileHandle> => {
      const file = await real.open(path, ...rest);
      const sync = file.sync.bind(file);
      file.sync = async () => {
        await sync();
        steps.push(`sync ${shown(path)}`);
      };
      const close = file.close.bind(file);
      file.close = async () => {
        await close();
        steps.push(`close ${shown(path)}`);
      };
      return file;
    },
  };
});

vi.mock("node:fs", async (original) => {
  const real = await original<typeof import("node:fs")>();
  const paths = new Map<number, string>();
  return {
    ...real,
    openSync: (path: string, ...rest: [string, number]): number => {
      const fd = real.openSync(path, ...rest);
      paths.set(fd, path);
      return fd;
    },
    fsync: (fd: number, done: (error: Error | null) => void) =>
      real.fsync(fd, (error) => {
        steps.push(`sync ${shown(paths.get(fd))}`);
        done(error);
      }),
    closeSync: (fd: number) => {
      real.closeSync(fd);
      steps.push(`close ${shown(paths.get(fd))}`);
    },
    renameSync: (from: string, to: string) => {
      real.renameSync(from, to);
      steps.push(`rename ${shown(from)} ${shown(to)}`);
    },
  };
});

let maildir: string;

beforeEach(() => {
  const folder = temporaryFolder();
  maildir = `${folder}/maildir`;
  steps.length = 0;
});

/** Stores a message alone; gives why it failed, or null. */
async function storeMessage(pieces: Parameters<BatchedStore["write"]>[0]) {
  const { result } = await new BatchedStore(maildir).write(pieces);
  return result;
}

const filesIn = (folder: string) => readdirSync(`${maildir}/${folder}`);

describe("making a maildir", () => {
  test("creates three folders, private to the owner, and syncs them and the maildir", async () => {
    await createMaildir(maildir);
    expect(readdirSync(maildir).sort()).toEqual(["cur", "new", "tmp"]);
    for (const folder of ["", "/tmp", "/new", "/cur"]) {
      expect(statSync(maildir + folder).mode & 0o777).toBe(0o700);
    }
    const syncs = steps.filter((step) => step.startsWith("sync"));
    expect(syncs).toEqual([expect.not.stringContaining("maildir"), "sync maildir"]);
  });

  test("somebody else's folder cannot be written to", async () => {
    // Even root cannot create folders there.
    await expect(createMaildir("/sys")).rejects.toMatchObject({
      code: "unwritable-maildir",
      message: expect.stringMatching(/^cannot write to the maildir \/sys: .+; name another folder$/),
    });
  });

  test("leaves an existing one as it is", async () => {
    await createMaildir(maildir);
    steps.length = 0;
    await createMaildir(maildir);
    expect(steps).toEqual([]);
  });

  test("adds missing folders", async () => {
    mkdirSync(`${maildir}/new`, { recursive: true });
    await createMaildir(maildir);
    expect(readdirSync(maildir).sort()).toEqual(["cur", "new", "tmp"]);
    expect(steps).toEqual(["sync maildir", "close maildir"]);
  });

  test("is refused if the parent folder is missing", async () => {
    await expect(createMaildir(`${maildir}/none/maildir`)).rejects.toMatchObject({
      code: "unwritable-maildir",
      cause: { code: "ENOENT" },
    });
    expect(existsSync(maildir)).toBe(false);
  });
});

describe("storing a message", () => {
  beforeEach(async () => {
    await createMaildir(maildir);
    steps.length = 0;
  });

  test("syncs it before naming it in new/, and syncs that name before reporting success", async () => {
    await storeMessage([Buffer.from("one "), Buffer.from("two\n")]);
    expect(steps).toEqual([
      "sync maildir/tmp/NAME",
      "close maildir/tmp/NAME",
      "rename maildir/tmp/NAME maildir/new/NAME",
      "sync maildir/new",
      "close maildir/new",
    ]);
    const [name = ""] = filesIn("new");
    expect(readFileSync(`${maildir}/new/${name}`, "utf8")).toBe("one two\n");
    expect(statSync(`${maildir}/new/${name}`).mode & 0o777).toBe(0o600);
  });

  test("syncs new/ once for many messages", async () => {
    const one = await writeMessage(maildir, [Buffer.from("one")]);
    const two = await writeMessage(maildir, [Buffer.from("two")]);
    expect(filesIn("new")).toEqual([]);
    await Promise.all([one.place(), two.place()]);
    await syncNew(maildir);
    expect(filesIn("new").length).toBe(2);
    expect(steps.filter((step) => step === "sync maildir/new").length).toBe(1);
    expect(steps.at(-2)).toBe("sync maildir/new");
  });

  test("gives it a unique name of time, random part and host", async () => {
    const before = Math.floor(Date.now() / 1_000);
    for (let count = 0; count < 20; count++) await storeMessage([]);
    const names = filesIn("new");
    expect(new Set(names).size).toBe(20);
    for (const name of names) {
      expect(name).toMatch(/^\d+\.M\d{6}R[0-9a-f]{16}\.[^/:]+$/);
      const [seconds, microseconds = ""] = name.split(".");
      expect(Number(seconds)).toBeGreaterThanOrEqual(before);
      expect(Number(seconds)).toBeLessThanOrEqual(Date.now() / 1_000);
      expect(microseconds.slice(1, 7)).toMatch(/000$/);
    }
  });

  test("leaves nothing if the message cannot be read", async () => {
    async function* failing() {
      yield Buffer.from("half");
      throw new Error("no more");
    }
    await expect(storeMessage(failing())).rejects.toThrow("no more");
    expect([filesIn("tmp"), filesIn("new")]).toEqual([[], []]);
    expect(steps).toEqual(["close maildir/tmp/NAME"]);
  });
});

describe("storing many messages", () => {
  beforeEach(async () => {
    await createMaildir(maildir);
    steps.length = 0;
  });

  const isSync = (step: string) => step.startsWith("sync");

  test("that arrive together, syncs new/ once, after all of them have their names", async () => {
    const store = new BatchedStore(maildir);
    const storing = await Promise.all([1, 2, 3].map((number) => store.write([Buffer.from(`${number}`)])));
    expect(filesIn("new")).toEqual([]);
    const results = storing.map(({ result }) => result.then((outcome) => [outcome, filesIn("new").length]));
    expect(await Promise.all(results)).toEqual(Array(3).fill([null, 3]));
    expect(steps.filter(isSync)).toEqual([...Array(3).fill("sync maildir/tmp/NAME"), "sync maildir/new"]);
    expect(steps.filter((step) => step.startsWith("rename"))).toHaveLength(3);
    expect(steps.at(-2)).toBe("sync maildir/new");
  });

  test("gathers those that come while others wait for the disk", async () => {
    const store = new BatchedStore(maildir);
    const write = async (text: string) => (await store.write([Buffer.from(text)])).result;
    const first = write("first");
    // The first one's batch has begun.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    const others = ["a", "b", "c", "d"].map(write);
    expect(await first).toBeNull();
    expect(await Promise.all(others)).toEqual([null, null, null, null]);
    expect(steps.filter((step) => step === "sync maildir/new")).toHaveLength(2);
    expect(filesIn("new")).toHaveLength(5);
  });

  test("has only so many files open, however many wait, and stores all of them", async () => {
    const store = new BatchedStore(maildir);
    let most = 0;
    const one = async (number: number) => {
      const { result } = await store.write([Buffer.from(`${number}`)]);
      most = Math.max(most, filesIn("tmp").length);
      return result;
    };
    const results = await Promise.all(Array.from({ length: 3 * MAX_SYNCS }, (_, number) => one(number)));
    expect(results.every((result) => result === null)).toBe(true);
    expect(most).toBe(MAX_SYNCS);
    const texts = filesIn("new").map((name) => Number(readFileSync(`${maildir}/new/${name}`, "utf8")));
    expect(texts.toSorted((a, b) => a - b)).toEqual([...texts.keys()]);
  });

  test("fails for one that cannot be read, and for no other", async () => {
    const store = new BatchedStore(maildir);
    async function* failing() {
      yield Buffer.from("half");
      throw new Error("no more");
    }
    const good = store.write([Buffer.from("good")]);
    await expect(store.write(failing())).rejects.toThrow("no more");
    expect(await (await good).result).toBeNull();
    expect([filesIn("tmp"), filesIn("new").length]).toEqual([[], 1]);
  });

  test("fails for all if new/ is gone, and leaves no file", async () => {
    const store = new BatchedStore(maildir);
    const storing = await Promise.all(["a", "b"].map((text) => store.write([Buffer.from(text)])));
    rmdirSync(`${maildir}/new`);
    const gone = { error: expect.objectContaining({ code: "ENOENT" }) };
    expect(await Promise.all(storing.map(({ result }) => result))).toEqual([gone, gone]);
    expect(filesIn("tmp")).toEqual([]);
    // The next ones have a chance again.
    mkdirSync(`${maildir}/new`);
    expect(await (await store.write([Buffer.from("c")])).result).toBeNull();
  });
});
