/** A maildir of many messages, against serialmail's C programs if installed, and against copying its bytes. */
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inTurn, median, run, runProgram, serve } from "./measure.ts";

const QMTP = join(process.cwd(), "bin/qmtp");
const built = (name: string) => join(process.cwd(), "test/bench/.built", `${name}.js`);
const COUNT = 100_000;
const FEW = 1_000;
const BODY = `Subject: bench\n\n${`${"y".repeat(71)}\n`.repeat(57)}`.slice(0, 4_096);
/** Older than anything a run would leave for the next. */
const AGE_S = 100_000;

/** In memory if possible: the time a disk takes to remove a file varies more than the times compared. */
function folder(): string {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return mkdtempSync("/dev/shm/qmtp-bench-");
  } catch {
    return mkdtempSync(join(tmpdir(), "qmtp-bench-"));
  }
}

/** Fills a new maildir and returns the names of its files, each ended by NUL. */
function fill(maildir: string, count: number): string {
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

/** 20,000 messages over 200 ms, time of qmtp serial against serialqmtp; undefined without it. */
export async function measureLongPath(times: number): Promise<number | undefined> {
  const { SERIALQMTP } = process.env;
  if (SERIALQMTP === undefined) return undefined;
  const home = folder();
  const server = await serve([built("answer")]);
  const proxy = await serve([built("delay"), server.port, "100"]);
  try {
    const names = join(home, "names");
    writeFileSync(names, fill(join(home, "maildir"), 20_000));
    const over = (command: readonly string[]) => async () =>
      (await runProgram("tcpclient", ["-RHl0", "--", "127.0.0.1", proxy.port, ...command], names)).ms;
    const { one, other } = await inTurn(
      times,
      over([process.execPath, QMTP, "serial", ""]),
      over([SERIALQMTP, ""]),
    );
    return one / other;
  } finally {
    await proxy.stop();
    await server.stop();
    rmSync(home, { recursive: true });
  }
}

export interface MaildirTimes {
  /** All in milliseconds for 100,000 messages, whole processes; undefined without anything to compare with. */
  readonly copyRatio: number;
  readonly serialRatio: number | undefined;
  readonly removalRatio: number | undefined;
  readonly linearity: number;
  readonly peakMiB: number;
}

export async function measureMaildir(times: number): Promise<MaildirTimes> {
  const home = folder();
  const maildir = join(home, "maildir");
  const server = await serve([built("answer")]);
  const swallow = await serve([built("swallow")]);
  try {
    const names = join(home, "names");
    writeFileSync(names, fill(maildir, COUNT));
    const under = (command: readonly string[]) => async () =>
      (await runProgram("tcpclient", ["-RHl0", "--", "127.0.0.1", server.port, ...command], names)).ms;
    const serial = under([process.execPath, QMTP, "serial", ""]);
    const copying = async () => (await run([built("copy-files"), swallow.port, join(maildir, "new")])).ms;
    const copy = await inTurn(times, serial, copying);
    const { SERIALQMTP, MAILDIRSERIAL } = process.env;
    const c = SERIALQMTP && (await inTurn(times, serial, under([SERIALQMTP, ""])));
    const delivering = (count: number) => async () => {
      fill(maildir, count);
      const result = await run([QMTP, "maildir", "-q", "-s", `127.0.0.1:${server.port}`, maildir, ""]);
      if (result.code !== 0) throw new Error(`exit code ${result.code}: ${result.stderr}`);
      return result.ms;
    };
    const original = async () => {
      fill(maildir, COUNT);
      const client = ["tcpclient", "-RHl0", "--", "127.0.0.1", server.port, SERIALQMTP ?? "", ""];
      return (await runProgram(MAILDIRSERIAL ?? "", ["-b", "-t", "1209600", "--", maildir, "", ...client]))
        .ms;
    };
    const removal = SERIALQMTP && MAILDIRSERIAL && (await inTurn(times, delivering(COUNT), original));
    const growth = await inTurn(times, delivering(COUNT), delivering(FEW));
    const start = (await inTurn(5, delivering(0), delivering(0))).one;
    return {
      copyRatio: copy.other / copy.one,
      serialRatio: c ? c.one / c.other : undefined,
      removalRatio: removal ? removal.one / removal.other : undefined,
      linearity: (growth.one - start) / COUNT / ((growth.other - start) / FEW),
      peakMiB: await peak(maildir, server.port, home),
    };
  } finally {
    await server.stop();
    await swallow.stop();
    rmSync(home, { recursive: true });
  }
}

/** Peak memory of a run over the whole maildir, in MiB. */
async function peak(maildir: string, port: string, home: string): Promise<number> {
  const hook = join(home, "peak.cjs");
  writeFileSync(hook, "process.on('exit', () => console.error('peak', process.resourceUsage().maxRSS));");
  const peaks: number[] = [];
  for (let time = 0; time < 3; time++) {
    fill(maildir, COUNT);
    const { stderr } = await run(["-r", hook, QMTP, "maildir", "-q", "-s", `127.0.0.1:${port}`, maildir, ""]);
    peaks.push(Number(/peak (\d+)/.exec(stderr)?.[1]) / 1_024);
  }
  return median(peaks);
}
