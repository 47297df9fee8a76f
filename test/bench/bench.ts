/**
 * Measures what matters to design and users, as ratios of figures from one run: absolute times differ from
 * machine to machine. `npm run bench [-- name...]` runs all, or those named, and prints each figure with its aim.
 *
 * SERIALQMTP and MAILDIRSERIAL name serialmail's programs, to compare with; SINK, a server in C for batches;
 * SMTP_SINK and SMTP_SOURCE, Postfix's programs.
 */
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureDecode } from "./decode.ts";
import { type Figure, least, most } from "./figure.ts";
import { measureLoad } from "./load.ts";
import { measureLongPath, measureMaildir } from "./maildir.ts";
import { built, check, inTurn, median, peakMiB, QMTP, run, serve } from "./measure.ts";
import { measureSessions } from "./sessions.ts";
import { measureStartUp } from "./start-up.ts";

const GIB = 1024 ** 3;

const folder = mkdtempSync(join(tmpdir(), "qmtp-bench-"));

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
  const sending = async () => (await check(run(args, input))).ms;
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
  const idle = join(folder, "idle.cjs");
  writeFileSync(idle, "setTimeout(() => {}, 100);");
  return (await peakMiB(args, input)) - (await peakMiB([idle]));
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
    const result = await check(run([QMTP, ...args], message));
    const { connectMs, sendMs, responseMs } = JSON.parse(result.stdout).timing;
    trips.push((connectMs + sendMs + responseMs) / 50);
  }
  await proxy.stop();
  await sink.stop();
  return [most("1,000 packages over a 50 ms round trip", median(trips), 3, "round trips")];
}

async function recipients(): Promise<Figure[]> {
  const server = await serve([built("answer")]);
  const message = join(folder, "small");
  writeFileSync(message, "Subject: small\n\nhello\n");
  const argsFor = (count: number) => {
    const list = join(folder, `list-${count}`);
    writeFileSync(list, Array.from({ length: count }, (_, index) => `user${index}@example.org\n`).join(""));
    return [QMTP, "send", "-s", `127.0.0.1:${server.port}`, "-f", "a@example.org", "--to-file", list];
  };
  const [million, tenth] = [argsFor(1_000_000), argsFor(100_000)];
  const sending = (args: readonly string[]) => async () => (await check(run(args, message, "ignore"))).ms;
  const times = await inTurn(3, sending(million), sending(tenth));
  const peak = await peakMiB(million, message, { output: "ignore" });
  await server.stop();
  return [
    most("1,000,000 recipients in one package, process", times.one / 1_000, 2, "s"),
    most("1,000,000 recipients in one package, peak memory", (peak * 1024 * 1024) / 1e6, 300, "MB"),
    most("time for ten times the recipients", times.one / times.other, 11, "times"),
  ];
}

const LINE = `${"x".repeat(71)}\n`;
const CRLF_LINE = `${"x".repeat(70)}\r\n`;

const BENCHES: Readonly<Record<string, () => Promise<Figure[]>>> = {
  startup: () => measureStartUp(folder),
  raw: () => largeFile({ what: "1 GiB, raw", line: LINE, raw: true, redirected: false, aim: 0.95 }),
  file: () => largeFile({ what: "1 GiB, counted", line: LINE, raw: false, redirected: false, aim: 0.75 }),
  stdin: () => largeFile({ what: "1 GiB, redirected", line: LINE, raw: false, redirected: true, aim: 0.6 }),
  crlf: () => largeFile({ what: "1 GiB, CRLF", line: CRLF_LINE, raw: false, redirected: false, aim: 0.3 }),
  pipeline: roundTrips,
  recipients,
  maildir: () => measureMaildir(3),
  longpath: () => measureLongPath(3),
  sessions: measureSessions,
  decode: () => measureDecode(folder),
  load: () => measureLoad(3),
};

/** What a figure does not say. */
const NOTES: Readonly<Record<string, string>> = {
  load: "in lock-step, each message needs a write and a read; with a window, one of each serves thirty",
  decode: "the file is in memory; each package of 4 KB has six lines, more than 100 MB in all",
  startup: "without NODE_EXTRA_CA_CERTS: Node would read certificates in each run, of either program",
  crlf: "simple code on purpose: 2.5 s for 1 GiB is half a second for 200 MB, the most that qmail accepts",
};

async function main(): Promise<void> {
  const asked = process.argv.slice(2);
  try {
    for (const [name, bench] of Object.entries(BENCHES)) {
      if (asked.length > 0 && !asked.includes(name)) continue;
      for (const { what, measured, aim, met } of await bench()) {
        console.log(`${met ? "met   " : "MISSED"} ${what}: ${measured} (aim: ${aim})`);
      }
      if (NOTES[name] !== undefined) console.log(`       ${name}: ${NOTES[name]}`);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

main();
