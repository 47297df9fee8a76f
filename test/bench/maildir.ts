/** A maildir of many messages, against serialmail's C programs if installed, and against copying its bytes. */
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Figure, least, leaveOut, most } from "./figure.ts";
import {
  built,
  check,
  inTurn,
  peakMiB,
  QMTP,
  run,
  runProgram,
  type Server,
  serve,
  serveProgram,
} from "./measure.ts";

const COUNT = 100_000;
const SOME = 10_000;
const FEW = 1_000;
const BODY = `Subject: bench\n\n${`${"y".repeat(71)}\n`.repeat(57)}`.slice(0, 4_096);
/** Older than anything a run would leave for the next. */
const AGE_S = 100_000;

/** In memory if possible: the time a disk takes to remove a file varies more than the times compared. */
export function memoryFolder(): string {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return mkdtempSync("/dev/shm/qmtp-bench-");
  } catch {
    return mkdtempSync(join(tmpdir(), "qmtp-bench-"));
  }
}

/** Fills a new maildir and returns the names of its files, each ended by NUL. */
export function fill(maildir: string, count: number): string {
  rmSync(maildir, { recursive: true, force: true });
  for (const name of ["tmp", "new", "cur"]) mkdirSync(join(maildir, name), { recursive: true });
  const start = Date.now() / 1_000 - AGE_S;
  const names = Array.from({ length: count }, (_, index) => `new/1700000000.M${index}P1.bench`);
  for (const [index, name] of names.entries()) {
    const path = join(maildir, name);
    const head = `Return-Path: <s${index}@example.org>\nDelivered-To: r${index}@example.org\n`;
    writeFileSync(path, `${head}${BODY}`);
    utimesSync(path, start, start + index / 1_000);
  }
  return names.map((name) => `${maildir}/${name}\0`).join("");
}

/** A server in C, if SINK names one that prints its port, counts packages and answers them: it is out of the way. */
export function serveAnswers(): Promise<Server> {
  const { SINK } = process.env;
  return SINK ? serveProgram(SINK) : serve([built("answer")]);
}

/** Runs a program under tcpclient with the names of files on standard input; gives the milliseconds. */
export function under(port: string, names: string, command: readonly string[]): () => Promise<number> {
  const args = ["-RHl0", "--", "127.0.0.1", port, ...command];
  return async () => (await check(runProgram("tcpclient", args, names))).ms;
}

export async function measureLongPath(times: number): Promise<Figure[]> {
  const what = "20,000 messages of 4 KB over 200 ms, time of qmtp serial against serialqmtp";
  const { SERIALQMTP } = process.env;
  if (!SERIALQMTP) {
    leaveOut(what, "name serialqmtp in C in SERIALQMTP");
    return [];
  }
  const home = memoryFolder();
  const server = await serveAnswers();
  const proxy = await serve([built("delay"), server.port, "100"]);
  try {
    const names = join(home, "names");
    writeFileSync(names, fill(join(home, "maildir"), 20_000));
    const ours = under(proxy.port, names, [process.execPath, QMTP, "serial", ""]);
    const { one, other } = await inTurn(times, ours, under(proxy.port, names, [SERIALQMTP, ""]));
    return [most(what, one / other, 1)];
  } finally {
    await proxy.stop();
    await server.stop();
    rmSync(home, { recursive: true });
  }
}

export async function measureMaildir(times: number): Promise<Figure[]> {
  const home = memoryFolder();
  const maildir = join(home, "maildir");
  const server = await serveAnswers();
  try {
    const delivering = (count: number) => async () => {
      fill(maildir, count);
      return (await check(run(deliver(server, maildir)))).ms;
    };
    const figures = [
      ...(await measureSerial(times, home, server)),
      ...(await measureRemoval(times, maildir, server, delivering)),
    ];
    const growth = await inTurn(times, delivering(COUNT), delivering(FEW));
    const start = (await inTurn(5, delivering(0), delivering(0))).one;
    const linearity = (growth.one - start) / COUNT / ((growth.other - start) / FEW);
    const peak = await peakMiB(deliver(server, maildir), undefined, {
      before: () => void fill(maildir, COUNT),
    });
    return [
      ...figures,
      most("qmtp maildir, time for a message of 100,000 against one of 1,000", linearity, 1.1),
      most("100,000 messages of 4 KB, peak memory of qmtp maildir", peak, 150, "MiB"),
    ];
  } finally {
    await server.stop();
    rmSync(home, { recursive: true });
  }
}

function deliver({ port }: Server, maildir: string): string[] {
  return [QMTP, "maildir", "-q", "-s", `127.0.0.1:${port}`, maildir, ""];
}

/** Without removal: against copying the bytes, and against serialqmtp. */
async function measureSerial(times: number, home: string, { port }: Server): Promise<Figure[]> {
  const maildir = join(home, "maildir");
  const names = join(home, "names");
  writeFileSync(names, fill(maildir, COUNT));
  const serial = under(port, names, [process.execPath, QMTP, "serial", ""]);
  const swallow = await serve([built("swallow")]);
  const copying = async () =>
    (await check(run([built("copy-files"), swallow.port, join(maildir, "new")]))).ms;
  const copy = await inTurn(times, serial, copying);
  await swallow.stop();
  const what = "100,000 messages of 4 KB, time of qmtp serial against serialqmtp";
  const rate = least(
    "100,000 messages of 4 KB, rate of qmtp serial against copying their bytes",
    copy.other / copy.one,
    0.7,
  );
  const { SERIALQMTP } = process.env;
  if (!SERIALQMTP) {
    leaveOut(what, "name serialqmtp in C in SERIALQMTP");
    return [rate];
  }
  const c = await inTurn(times, serial, under(port, names, [SERIALQMTP, ""]));
  return [rate, most(what, c.one / c.other, 0.9)];
}

/** With removal: against maildirserial. */
async function measureRemoval(
  times: number,
  maildir: string,
  { port }: Server,
  delivering: (count: number) => () => Promise<number>,
): Promise<Figure[]> {
  const what = (count: number) =>
    `${count.toLocaleString("en")} messages of 4 KB, time of qmtp maildir against maildirserial with serialqmtp`;
  const { SERIALQMTP, MAILDIRSERIAL } = process.env;
  if (!SERIALQMTP || !MAILDIRSERIAL) {
    leaveOut(what(COUNT), "name both programs in C in SERIALQMTP and MAILDIRSERIAL");
    return [];
  }
  const client = ["tcpclient", "-RHl0", "--", "127.0.0.1", port, SERIALQMTP, ""];
  const original = (count: number) => async () => {
    fill(maildir, count);
    return (await check(runProgram(MAILDIRSERIAL, ["-b", "-t", "1209600", "--", maildir, "", ...client]))).ms;
  };
  const [many, some] = [
    await inTurn(times, delivering(COUNT), original(COUNT)),
    await inTurn(3 * times, delivering(SOME), original(SOME)),
  ];
  return [most(what(COUNT), many.one / many.other, 1), most(what(SOME), some.one / some.other, 1.2)];
}
