/** One small message: what a shell script waits for. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Figure, leaveOut, most } from "./figure.ts";
import { built, check, inTurn, QMTP, run, runProgram, serve } from "./measure.ts";

const ROUNDS = 40;
const ENVELOPE = ["-f", "a@example.org", "b@example.org"];

/** Each launcher that sends a message, against the smallest script that does, and against swaks. */
export async function measureStartUp(folder: string): Promise<Figure[]> {
  const sink = await serve([QMTP, "sink", "--listen", "127.0.0.1:0"]);
  const message = join(folder, "small");
  writeFileSync(message, "Subject: small\n\nhello\n");
  const to = `127.0.0.1:${sink.port}`;
  const envelope = join(folder, "envelope");
  writeFileSync(envelope, "Fa@example.org\0Tb@example.org\0\0");
  const sending = async () => (await check(run([QMTP, "send", "-s", to, ...ENVELOPE], message))).ms;
  const launchers: Readonly<Record<string, () => Promise<number>>> = {
    "qmtp send": sending,
    "qmail-qmtpc": () => queue(to, message, envelope),
    "qmtp-sendmail": async () =>
      (await check(run(["bin/qmtp-sendmail", "--server", to, ...ENVELOPE], message))).ms,
  };
  const smallest = async () => (await check(run([built("smallest"), sink.port], message))).ms;
  const figures: Figure[] = [];
  for (const [name, running] of Object.entries(launchers)) {
    const { one, other } = await inTurn(ROUNDS, running, smallest);
    figures.push(
      most(`one small message by ${name}, process, against the smallest script`, one / other, 1.2),
    );
  }
  const swaks = await measureSwaks(sending, message);
  await sink.stop();
  return swaks === undefined ? figures : [...figures, swaks];
}

/** Sends one message as a caller of qmail-queue would; gives the milliseconds. */
async function queue(to: string, message: string, envelope: string): Promise<number> {
  const fd = openSync(envelope, "r");
  const { ms } = await check(run(["bin/qmail-qmtpc", "-s", to], message, fd));
  closeSync(fd);
  return ms;
}

/** Against the tool that many use to send a message by SMTP from a shell. */
async function measureSwaks(sending: () => Promise<number>, message: string): Promise<Figure | undefined> {
  const what = "one small message by qmtp send, process, against swaks and SMTP";
  try {
    await check(runProgram("swaks", ["--version"]));
  } catch (error) {
    leaveOut(what, `swaks cannot be run (${error instanceof Error ? error.message : error})`);
    return undefined;
  }
  const server = await serve([built("smtp")]);
  // With --helo, swaks need not look up the name of this host.
  const args = ["--server", "127.0.0.1", "--port", server.port, "--helo", "bench.example.org"];
  args.push("--from", "a@example.org", "--to", "b@example.org", "--data", "-");
  const times = await inTurn(
    ROUNDS,
    sending,
    async () => (await check(runProgram("swaks", args, message))).ms,
  );
  await server.stop();
  return most(what, times.one / times.other, 1);
}
