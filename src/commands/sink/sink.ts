import { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { now } from "../../io/clock.ts";
import type { Environment } from "../../io/environment.ts";
import { createMaildir, MAX_SYNCS } from "../../maildir/store.ts";
import { EXIT } from "../../report/exit-tables.ts";
import { receivedJson, receivedLine } from "../../report/received.ts";
import { Totals } from "../../report/received-totals.ts";
import type { ClientAddress } from "../../sink/client.ts";
import { type SinkOptions, serve, serveConnection } from "../../sink/server.ts";
import { Pair } from "../../transport/pair.ts";
import { declare } from "./declare.ts";
import { read, type SinkRequest } from "./read.ts";

/** `qmtp sink`: a QMTP server for tests and demonstrations. */
export const sink: CommandModule = { declare, read, run };

/** @throws {QmtpError} listen-failed, unwritable-maildir */
async function run({ endpoint, json, quiet, options }: SinkRequest, context: Context): Promise<number> {
  // Collects young objects after one megabyte instead of sixteen, and with them the buffers of what was read: with many
  // clients, that saves much memory and costs no time.
  setFlagsFromString("--semi-space-growth-factor=1");
  if (options.maildir !== undefined) {
    context.setThreads(MAX_SYNCS);
    await createMaildir(options.maildir);
  }
  // If standard output is the connection to the client, print to standard error.
  const lines = endpoint === undefined ? "stderr" : "stdout";
  const totals = new Totals(now);
  const print = (line: string) => void context[lines].write(`${line}\n`);
  const printTotals = () => print(json ? totals.json() : totals.line());
  const sinkOptions: SinkOptions = {
    ...options,
    onEvent: context.say,
    onPackage: (pkg, client) => {
      if (quiet) totals.add(pkg);
      else print(json ? receivedJson(pkg, client) : receivedLine(pkg, client));
    },
  };
  if (quiet) context.onReportAsked(printTotals);
  const { percent, seed } = options.misbehaving ?? { percent: 100 };
  if (percent < 100)
    context.say(`the chance of a fault is ${percent} %; --seed ${seed} repeats this run's faults`);
  if (endpoint !== undefined) await serve(endpoint, sinkOptions);
  else {
    const connection = new Pair(Readable.from(context.stdin, { objectMode: false }), context.stdout);
    await serveConnection(connection, clientAddress(context.env), sinkOptions);
  }
  if (quiet) printTotals();
  return EXIT.success;
}

/** The client's address, according to the UCSPI server. */
function clientAddress({ TCPREMOTEIP, TCPREMOTEPORT }: Environment): ClientAddress {
  return { address: TCPREMOTEIP || null, port: Number(TCPREMOTEPORT) || null };
}
