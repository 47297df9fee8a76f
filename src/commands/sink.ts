import { Readable } from "node:stream";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { reason, usageError } from "../errors.ts";
import { receivedJson, receivedLine } from "../report/received.ts";
import { sanitise } from "../report/sanitise.ts";
import { FAULTS, type Fault } from "../sink/fault.ts";
import { type SinkOptions, serve, serveConnection } from "../sink/server.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { Pair } from "../transport/pair.ts";
import { prepareMaildir } from "./prepare-maildir.ts";
import { countOption, timeOption } from "./values.ts";

/** Not QMTP's own port, which only root may listen on, and where a real server may be. */
const SINK_PORT = 2_090;

/** Still within what Node's timers can count. */
const MOST_DELAY_MS = 2_000_000_000;

/** The options as commander hands them over; times in milliseconds. */
interface SinkCommandOptions {
  readonly listen: string;
  readonly cert?: string;
  readonly key?: string;
  readonly cacert?: string;
  readonly maildir?: string;
  readonly reject?: RegExp;
  readonly defer?: RegExp;
  readonly maxBytes?: number;
  readonly maxRecipients: number;
  readonly exitAfter?: number;
  readonly delay: number;
  readonly timeout: number;
  readonly fault?: Fault;
  readonly json?: true;
}

const EXAMPLES = `
Examples:
  qmtp sink --maildir ./mail
  qmtp sink --listen 127.0.0.1:0 --reject '@example\\.net$' --json
  qmtp sink --listen qmtps://127.0.0.1:0 --cert cert.pem --key key.pem
  tcpserver -RHl0 127.0.0.1 2090 qmtp sink --listen ucspi:
  qmtp sink --listen unix:/tmp/qmtp.sock --fault close-mid-response --exit-after 1

Faults:
${Object.entries(FAULTS)
  .map(([name, what]) => `  ${name.padEnd(23)}${what}`)
  .join("\n")}`;

/** `qmtp sink`: a QMTP server for tests and demonstrations. */
export function declareSink(command: Command, context: Context, exit: (code: number) => void): void {
  command
    .addOption(
      command
        .createOption(
          "--listen <endpoint>",
          "where to listen: host:port (port 0: any free one), qmtps://host:port (TLS), unix:/path, " +
            "or ucspi: (standard input and output, below tcpserver)",
        )
        .default(`127.0.0.1:${SINK_PORT}`, `127.0.0.1:${SINK_PORT}`),
    )
    .option("--cert <file>", "with TLS: our certificate, in PEM, its issuers behind it")
    .option("--key <file>", "with TLS: its key, in PEM (default: in the file of the certificate)")
    .option("--cacert <file>", "with TLS: demand client certificates of these issuers, in PEM")
    .option("--maildir <dir>", "store each accepted message in this maildir, once per recipient")
    .option(
      "--reject <regex>",
      "refuse recipients that match (JavaScript; looked at before --defer)",
      pattern,
    )
    .option("--defer <regex>", "defer recipients that match (JavaScript)", pattern)
    .addOption(countOption(command, "--max-bytes <n>", "refuse messages of more than n bytes", 0))
    .addOption(
      countOption(
        command,
        "--max-recipients <n>",
        "refuse the recipients after the first n of a package",
        1,
      ).default(100_000),
    )
    .addOption(countOption(command, "--exit-after <n>", "stop after n packages", 1))
    .addOption(
      countOption(
        command,
        "--delay <ms>",
        "milliseconds before a package is answered",
        0,
        MOST_DELAY_MS,
      ).default(0),
    )
    .addOption(timeOption(command, "--timeout <s>", "seconds after which an idle client is dropped", 600))
    .addOption(command.createOption("--fault <name>", "misbehave, see below").choices(Object.keys(FAULTS)))
    .option("--json", "print one JSON object per package instead of a line")
    .addHelpText("after", EXAMPLES)
    .action(async (options: SinkCommandOptions) => {
      await sink(options, context);
      exit(0);
    });
}

async function sink(options: SinkCommandOptions, context: Context): Promise<void> {
  const endpoint = parseEndpoint(options.listen, { port: SINK_PORT, lowest: 0 });
  if (endpoint.kind === "exec")
    throw usageError("a server does not listen on a command: give --listen another endpoint");
  const tls = await tlsOf(endpoint, options);
  if (options.maildir !== undefined) await prepareMaildir(options.maildir, "--maildir");
  // Where standard output belongs to the client, lines are for standard error.
  const lines = endpoint.kind === "ucspi" ? "stderr" : "stdout";
  const sinkOptions: SinkOptions = {
    tls,
    policy: {
      reject: options.reject,
      defer: options.defer,
      maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
      maxRecipients: options.maxRecipients,
    },
    maildir: options.maildir,
    delayMs: options.delay,
    fault: options.fault,
    idleMs: options.timeout,
    exitAfter: options.exitAfter,
    signal: context.interrupted,
    onEvent: (text) => context.stderr.write(`qmtp sink: ${sanitise(text)}\n`),
    onPackage: (pkg) => context[lines].write(`${options.json ? receivedJson(pkg) : receivedLine(pkg)}\n`),
  };
  if (endpoint.kind !== "ucspi") return serve(endpoint, sinkOptions);
  const connection = new Pair(Readable.from(context.stdin, { objectMode: false }), context.stdout);
  await serveConnection(connection, clientName(context.env), sinkOptions);
}

/** As a UCSPI server says. */
function clientName({ TCPREMOTEIP, TCPREMOTEPORT }: Context["env"]): string {
  return `${TCPREMOTEIP || "client"}${TCPREMOTEPORT ? ` port ${TCPREMOTEPORT}` : ""}`;
}

async function tlsOf({ kind }: Endpoint, { cert, key, cacert }: SinkCommandOptions) {
  if (kind !== "tls") {
    const asked = Object.entries({ cert, key, cacert }).find(([, value]) => value !== undefined);
    if (asked === undefined) return undefined;
    throw usageError(`--${asked[0]} is for TLS: listen on qmtps://host:port`);
  }
  if (cert === undefined)
    throw usageError("TLS needs a certificate and its key: name them with --cert and --key");
  const { readServerTls } = await import("../sink/tls-server.ts");
  return readServerTls(cert, key ?? cert, cacert);
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw usageError(`'${text}' is no regular expression: ${reason(error)}`);
  }
}
