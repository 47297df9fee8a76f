/** `qmtp bench` against `qmtp serial`, and `qmtp sink` against Postfix's smtp-sink. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { type Figure, least, leaveOut, most } from "./figure.ts";
import { fill, memoryFolder, serveAnswers, under } from "./maildir.ts";
import { check, inTurn, median, peakMiB, QMTP, run, runProgram, type Server, serve } from "./measure.ts";

const COUNT = 100_000;
const SESSIONS = 200;
const MANY = 1_000;
/** For what one session and many lock-step sessions have in common. */
const SOME = 50_000;

/** Arguments of a bench of messages of 4 KB. */
function load(port: string, ...args: (string | number)[]): string[] {
  return [QMTP, "bench", "-s", `127.0.0.1:${port}`, "--to", "b@example.org", ...args.map(String)];
}

export async function measureLoad(times: number): Promise<Figure[]> {
  const server = await serveAnswers();
  try {
    return [
      await againstSerial(times, server),
      await manySessions(times, server),
      most(
        "qmtp bench, 1,000 sessions, peak memory",
        await peakMiB(load(server.port, "-c", MANY, "-m", SOME)),
        250,
        "MiB",
      ),
      ...(await measureSink(times)),
    ];
  } finally {
    await server.stop();
  }
}

/** Whole processes, each with one session. */
async function againstSerial(times: number, { port }: Server): Promise<Figure> {
  const home = memoryFolder();
  const names = join(home, "names");
  writeFileSync(names, fill(join(home, "maildir"), COUNT));
  const benching = async () => (await check(run(load(port, "-w", 1_000, "-m", COUNT)))).ms;
  const serial = under(port, names, [process.execPath, QMTP, "serial", ""]);
  const { one, other } = await inTurn(times, benching, serial);
  rmSync(home, { recursive: true });
  return least("100,000 messages of 4 KB, rate of qmtp bench against qmtp serial", other / one, 0.8);
}

async function manySessions(times: number, { port }: Server): Promise<Figure> {
  const rate = (sessions: number, window: number) => async () => {
    const args = load(port, "--json", "-c", sessions, "-w", window, "-m", SOME);
    return JSON.parse((await check(run(args))).stdout).rate as number;
  };
  const { one, other } = await inTurn(times, rate(SESSIONS, 1), rate(1, SESSIONS));
  return least(
    "qmtp bench, rate of 200 sessions in lock-step against one session, window 200",
    one / other,
    0.5,
  );
}

async function measureSink(times: number): Promise<Figure[]> {
  const peaks: number[] = [];
  for (let time = 0; time < 3; time++) peaks.push(await sinkPeakMiB());
  return [
    // 150 MB.
    most("qmtp sink, 1,000 clients, peak memory", median(peaks), 143, "MiB"),
    ...(await againstSmtpSink(times)),
  ];
}

async function sinkPeakMiB(): Promise<number> {
  const home = memoryFolder();
  const peak = join(home, "peak");
  const hook = join(home, "peak.cjs");
  const write = `require("node:fs").writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS))`;
  writeFileSync(hook, `process.on("exit", () => ${write});`);
  const sink = await serve(["-r", hook, QMTP, "sink", "--quiet", "--listen", "127.0.0.1:0"]);
  await check(run(load(sink.port, "-c", MANY, "-w", 10, "-m", SOME)));
  await sink.stop();
  const kib = Number(readFileSync(peak, "utf8"));
  rmSync(home, { recursive: true });
  return kib / 1_024;
}

/** Messages a second of whole runs: smtp-source to smtp-sink, and qmtp bench to qmtp sink, both in lock-step. */
async function againstSmtpSink(times: number): Promise<Figure[]> {
  const what = "50,000 messages of 4 KB over 20 sessions in lock-step, rate of qmtp sink against smtp-sink";
  const { SMTP_SINK, SMTP_SOURCE } = process.env;
  if (!SMTP_SINK || !SMTP_SOURCE) {
    leaveOut(what, "name Postfix's programs in SMTP_SINK and SMTP_SOURCE");
    return [];
  }
  const sink = await serve([QMTP, "sink", "--quiet", "--listen", "127.0.0.1:0"]);
  const smtp = await startSmtpSink(SMTP_SINK);
  const ours = async () => (await check(run(load(sink.port, "-c", 20, "-m", SOME)))).ms;
  const envelope = ["-f", "a@example.org", "-t", "b@example.org"];
  const args = ["-d", "-s", "20", "-m", `${SOME}`, "-l", "4096", ...envelope, `127.0.0.1:${smtp.port}`];
  const theirs = async () => (await check(runProgram(SMTP_SOURCE, args))).ms;
  const { one, other } = await inTurn(times, ours, theirs);
  await sink.stop();
  await smtp.stop();
  return [least(what, other / one, 1)];
}

/** smtp-sink does not say when it listens, and cannot choose a port. */
async function startSmtpSink(program: string): Promise<Server> {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const port = `${(free.address() as AddressInfo).port}`;
  free.close();
  await once(free, "close");
  const child = spawn(program, ["-u", "nobody", `127.0.0.1:${port}`, "1000"], { stdio: "ignore" });
  await listening(Number(port), child);
  return {
    port,
    stop: async () => {
      child.kill();
      await once(child, "close");
    },
  };
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect({ port, host: "127.0.0.1" });
    const connected = await once(socket, "connect").catch(() => undefined);
    socket.destroy();
    if (connected !== undefined) return;
  }
  throw new Error("smtp-sink did not start");
}
