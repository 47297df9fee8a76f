/**
 * Measures what matters to design and users, as ratios of figures from one run: absolute times differ from
 * machine to machine. `npm run bench [-- name...]` runs all, or those named.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureLongPath, measureMaildir } from "./maildir.ts";
import { inTurn, median, run, serve } from "./measure.ts";

const QMTP = "bin/qmtp";
const built = (name: string) => join("test/bench/.built", `${name}.js`);
const GIB = 1024 ** 3;

interface Figure {
  readonly what: string;
  readonly measured: string;
  readonly aim: string;
  readonly met: boolean;
}

const folder = mkdtempSync(join(tmpdir(), "qmtp-bench-"));

function check(result: { code: number | null; stderr: string }): void {
  if (result.code !== 0) throw new Error(`exit code ${result.code}: ${result.stderr}`);
}

async function startUp(): Promise<Figure[]> {
  const sink = await serve([QMTP, "sink", "--listen", "127.0.0.1:0"]);
  const message = join(folder, "small");
  writeFileSync(message, "Subject: small\n\nhello\n");
  const sent = ["send", "-s", `127.0.0.1:${sink.port}`, "-f", "a@example.org", "b@example.org"];
  const smallest = async () => (await run([built("smallest"), sink.port], message)).ms;
  const sending = await inTurn(40, async () => (await run([QMTP, ...sent], message)).ms, smallest);
  const queueing = await inTurn(40, () => queue(sink.port, message), smallest);
  await sink.stop();
  const than = "whole process, against the smallest script";
  return [
    ratio(`one small message, ${than}`, sending.one / sending.other, 1.2),
    ratio(`the same by qmail-qmtpc, ${than}`, queueing.one / queueing.other, 1.2),
  ];
}

/** Sends one message as a caller of qmail-queue would; gives the milliseconds. */
async function queue(port: string, message: string): Promise<number> {
  const envelope = join(folder, "envelope");
  writeFileSync(envelope, "Fa@example.org\0Tb@example.org\0\0");
  const fd = openSync(envelope, "r");
  const result = await run(["bin/qmail-qmtpc", "-s", `127.0.0.1:${port}`], message, fd);
  closeSync(fd);
  check(result);
  return result.ms;
}

function textFile(name: string, line: string): string {
  const path = join(folder, name);
  const file = openSync(path, "w");
  const piece = Buffer.from(line.repeat(Math.floor((4 * 1024 * 1024) / line.length)));
  for (let length = 0; length < GIB; length += piece.length) writeSync(file, piece);
  return path;
}

interface LargeFile {
  readonly what: string;
  readonly line: string;
  readonly raw: boolean;
  /** Whether it is standard input, not named by an option. */
  readonly redirected: boolean;
  readonly aim: number;
}

async function largeFile({ what, line, raw, redirected, aim }: LargeFile): Promise<Figure[]> {
  const path = textFile("large", line);
  const server = await serve([built("drain")]);
  const args = [QMTP, "send", "-s", `127.0.0.1:${server.port}`, "-f", "a@example.org", "b@example.org"];
  if (raw) args.push("--raw");
  if (!redirected) args.push("--file", path);
  const input = redirected ? path : undefined;
  const sending = async () => {
    const result = await run(args, input);
    check(result);
    return result.ms;
  };
  const times = await inTurn(5, sending, async () => (await run([built("copy"), server.port, path])).ms);
  const memory = await extraMemory(args, input);
  await server.stop();
  rmSync(path);
  return [
    least(`${what}, rate against copying its bytes`, times.other / times.one, aim),
    most(`${what}, peak memory over an idle node`, memory, 32, "MiB"),
  ];
}

/** Peak memory of a run over that of an idle node, in MiB. */
async function extraMemory(args: readonly string[], input?: string): Promise<number> {
  const hook = join(folder, "peak.cjs");
  writeFileSync(hook, "process.on('exit', () => console.error('peak', process.resourceUsage().maxRSS));");
  const idle = join(folder, "idle.cjs");
  writeFileSync(idle, "setTimeout(() => {}, 100);");
  const peak = async (script: readonly string[], input?: string) => {
    const results: number[] = [];
    for (let time = 0; time < 3; time++) {
      const { stderr } = await run(["-r", hook, ...script], input);
      results.push(Number(/peak (\d+)/.exec(stderr)?.[1]) / 1024);
    }
    return median(results);
  };
  return (await peak(args, input)) - (await peak([idle]));
}

async function roundTrips(): Promise<Figure[]> {
  const sink = await serve([QMTP, "sink", "--listen", "127.0.0.1:0"]);
  const proxy = await serve([built("delay"), sink.port, "25"]);
  const message = join(folder, "small");
  writeFileSync(message, "Subject: small\n\nhello\n");
  const recipients = Array.from({ length: 1_000 }, (_, index) => `user${index}@example.org`);
  const args = [
    "send",
    "-s",
    `127.0.0.1:${proxy.port}`,
    "-f",
    "a@example.org",
    "--split",
    "--json",
    ...recipients,
  ];
  const trips: number[] = [];
  for (let time = 0; time < 5; time++) {
    const result = await run([QMTP, ...args], message);
    check(result);
    const { connectMs, sendMs, responseMs } = JSON.parse(result.stdout).timing;
    trips.push((connectMs + sendMs + responseMs) / 50);
  }
  await proxy.stop();
  await sink.stop();
  return [most("1,000 packages over a 50 ms round trip", median(trips), 5, "round trips")];
}

async function recipients(): Promise<Figure[]> {
  const sink = await serve([QMTP, "sink", "--listen", "127.0.0.1:0", "--max-recipients", "1000000"]);
  const message = join(folder, "small");
  writeFileSync(message, "Subject: small\n\nhello\n");
  const sending = (count: number) => {
    const list = join(folder, `list-${count}`);
    writeFileSync(list, Array.from({ length: count }, (_, index) => `user${index}@example.org\n`).join(""));
    return async () => {
      const args = ["send", "-s", `127.0.0.1:${sink.port}`, "-f", "a@example.org", "--to-file", list];
      const result = await run([QMTP, ...args], message, "ignore");
      check(result);
      return result.ms;
    };
  };
  const times = await inTurn(3, sending(1_000_000), sending(100_000));
  await sink.stop();
  return [
    most("1,000,000 recipients in one package, whole process", times.one / 1_000, 2, "s"),
    most("time for ten times the recipients", times.one / times.other, 11, "times"),
  ];
}

async function maildir(): Promise<Figure[]> {
  const { copyRatio, serialRatio, removalRatio, linearity, peakMiB } = await measureMaildir(3);
  const messages = "100,000 messages of 4 KB";
  const figures = [least(`${messages}, rate of qmtp serial against copying their bytes`, copyRatio, 0.7)];
  if (serialRatio === undefined) {
    console.log(
      "left out: serialqmtp in C; name the program in SERIALQMTP, and maildirserial in MAILDIRSERIAL",
    );
  } else {
    figures.push(ratio(`${messages}, time of qmtp serial against serialqmtp`, serialRatio, 1));
  }
  if (removalRatio !== undefined) {
    const what = `${messages} and their removal, time of qmtp maildir against maildirserial with serialqmtp`;
    figures.push(ratio(what, removalRatio, 1));
  }
  figures.push(most("qmtp maildir, time for a message of 100,000 against one of 1,000", linearity, 1.1, ""));
  figures.push(most(`${messages}, peak memory of qmtp maildir`, peakMiB, 150, "MiB"));
  return figures;
}

async function longPath(): Promise<Figure[]> {
  const time = await measureLongPath(3);
  if (time === undefined) {
    console.log("left out: a long path; name serialqmtp in C in SERIALQMTP");
    return [];
  }
  return [ratio("20,000 messages of 4 KB over 200 ms, time of qmtp serial against serialqmtp", time, 1)];
}

function figure(what: string, value: number, aim: number, unit: string, met: boolean, word: string): Figure {
  return { what, measured: `${value.toFixed(2)} ${unit}`.trim(), aim: `${word} ${aim} ${unit}`.trim(), met };
}

function most(what: string, value: number, aim: number, unit: string): Figure {
  return figure(what, value, aim, unit, value <= aim, "at most");
}

function least(what: string, value: number, aim: number): Figure {
  return figure(what, value, aim, "", value >= aim, "at least");
}

function ratio(what: string, value: number, aim: number): Figure {
  return most(what, value, aim, "");
}

const LINE = `${"x".repeat(71)}\n`;
const CRLF_LINE = `${"x".repeat(70)}\r\n`;

const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  startup: startUp,
  raw: () => largeFile({ what: "1 GiB, raw", line: LINE, raw: true, redirected: false, aim: 0.95 }),
  file: () => largeFile({ what: "1 GiB, counted", line: LINE, raw: false, redirected: false, aim: 0.75 }),
  stdin: () => largeFile({ what: "1 GiB, redirected", line: LINE, raw: false, redirected: true, aim: 0.6 }),
  // No message that qmail takes needs more than a tenth of a second for this: simple code is worth more.
  crlf: () => largeFile({ what: "1 GiB, CRLF", line: CRLF_LINE, raw: false, redirected: false, aim: 0.3 }),
  pipeline: roundTrips,
  recipients,
  maildir,
  longpath: longPath,
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  try {
    for (const [name, bench] of Object.entries(BENCHES)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      for (const { what, measured, aim, met } of await bench()) {
        console.log(`${met ? "met   " : "MISSED"} ${what}: ${measured} (aim: ${aim})`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

main();
