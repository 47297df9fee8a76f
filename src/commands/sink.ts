import { Readable } from "node:stream";
import type { Command } from "commander";
import type { CommandModule } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { addGroup, countOption, option, secondsOption } from "../cli/options/kinds.ts";
import { checkTlsUse, declareTlsFiles, type TlsFiles } from "../cli/options/tls.ts";
import { reason, usageError } from "../errors.ts";
import type { Environment } from "../io/environment.ts";
import { createMaildir } from "../maildir/store.ts";
import { EXIT } from "../report/exit-code.ts";
import { receivedJson, receivedLine } from "../report/received.ts";
import { MISBEHAVIOURS, type Misbehaviour } from "../sink/misbehaviour.ts";
import { type ListenEndpoint, type SinkOptions, serve, serveConnection } from "../sink/server.ts";
import type { ServerTls } from "../sink/tls-server.ts";
import { type Endpoint, parseEndpoint } from "../transport/endpoint.ts";
import { Pair } from "../transport/pair.ts";

/** `qmtp sink`: a QMTP server for tests and demonstrations. */
export const sink: CommandModule = { declare, read, run };

/** Not QMTP's own port, which needs root and may belong to a real server. */
const SINK_PORT = 2_090;

/** Within the range of Node's timers. */
const MAX_DELAY_MS = 2_000_000_000;

/** The options as commander returns them; times in milliseconds. */
interface SinkCommandOptions extends TlsFiles {
  readonly listen: string;
  readonly maildir?: string;
  readonly reject?: RegExp;
  readonly defer?: RegExp;
  readonly maxBytes?: number;
  readonly maxRecipients: number;
  readonly exitAfter?: number;
  readonly delay: number;
  readonly timeout: number;
  readonly fault?: Misbehaviour;
  readonly json?: true;
}

/** Where to listen, and how to answer. */
interface SinkRequest {
  /** Undefined: on standard input and output. */
  readonly endpoint: ListenEndpoint | undefined;
  readonly json: boolean;
  readonly options: Omit<SinkOptions, "onEvent" | "onPackage">;
}

const HELP = `
Faults:
${Object.entries(MISBEHAVIOURS)
  .map(([name, what]) => `  ${name.padEnd(23)}${what}`)
  .join("\n")}

Examples:
  qmtp sink --maildir ./mail
  qmtp sink --listen qmtps://127.0.0.1:0 --cert cert.pem --key key.pem --json
  qmtp sink --listen unix:/tmp/qmtp.sock --fault close-mid-response --exit-after 1`;

function declare(command: Command): void {
  addGroup(command, "listening", [
    option(
      "--listen <endpoint>",
      "where to listen: host:port (port 0 picks a free one), qmtps://host:port (TLS), unix:/path, or ucspi: " +
        "(standard input and output, under tcpserver)",
    ).default(`127.0.0.1:${SINK_PORT}`, `127.0.0.1:${SINK_PORT}`),
    secondsOption("--timeout <s>", "drop a client after this many idle seconds", 600),
    countOption("--exit-after <n>", "stop after n packages", 1),
  ]);
  addGroup(command, "accepting", [
    option("--maildir <dir>", "store each accepted message in this maildir, once per recipient"),
    option("--reject <regex>", "refuse matching recipients (JavaScript; checked before --defer)").argParser(
      pattern,
    ),
    option("--defer <regex>", "defer matching recipients (JavaScript)").argParser(pattern),
    countOption("--max-bytes <n>", "refuse messages of more than n bytes", 0),
    countOption("--max-recipients <n>", "refuse all but the first n recipients of a package", 1).default(
      100_000,
    ),
  ]);
  addGroup(command, "misbehaving", [
    countOption("--delay <ms>", "wait this many milliseconds before each answer", 0, MAX_DELAY_MS).default(0),
    option("--fault <name>", "misbehave, see below").choices(Object.keys(MISBEHAVIOURS)),
  ]);
  declareTlsFiles(command, "require client certificates of these issuers, in PEM");
  addGroup(command, "output", [option("--json", "print one JSON object per package instead of a line")]);
  command.addHelpText("after", HELP);
}

/** @throws {QmtpError} usage, unreadable-configuration */
async function read(
  options: SinkCommandOptions,
  _operands: readonly string[],
  { interrupted }: Context,
): Promise<SinkRequest> {
  const endpoint = parseEndpoint(options.listen, { port: SINK_PORT, lowest: 0 });
  if (endpoint.kind === "exec") {
    throw usageError("cannot listen on exec:; give --listen another endpoint");
  }
  return {
    endpoint: endpoint.kind === "ucspi" ? undefined : endpoint,
    json: options.json === true,
    options: {
      tls: await readTls(endpoint, options),
      rules: {
        reject: options.reject,
        defer: options.defer,
        maxBytes: options.maxBytes ?? Number.POSITIVE_INFINITY,
        maxRecipients: options.maxRecipients,
      },
      maildir: options.maildir,
      delayMs: options.delay,
      misbehaviour: options.fault,
      idleMs: options.timeout,
      exitAfter: options.exitAfter,
      signal: interrupted,
    },
  };
}

async function readTls({ kind }: Endpoint, options: SinkCommandOptions): Promise<ServerTls | undefined> {
  const { cert, key, cacert } = options;
  if (kind === "tls" && cert === undefined) {
    throw usageError("TLS needs a certificate and its key: name them with --cert and --key");
  }
  checkTlsUse(options, kind === "tls", "listen on qmtps://host:port");
  if (cert === undefined) return undefined;
  const { readServerTls } = await import("../sink/tls-server.ts");
  return readServerTls(cert, key ?? cert, cacert);
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw usageError(`'${text}' is not a regular expression: ${reason(error)}`);
  }
}

/** @throws {QmtpError} listen-failed, unwritable-maildir */
async function run({ endpoint, json, options }: SinkRequest, context: Context): Promise<number> {
  if (options.maildir !== undefined) await createMaildir(options.maildir);
  // If standard output goes to the client, lines go to standard error.
  const lines = endpoint === undefined ? "stderr" : "stdout";
  const sinkOptions: SinkOptions = {
    ...options,
    onEvent: context.say,
    onPackage: (pkg) => context[lines].write(`${json ? receivedJson(pkg) : receivedLine(pkg)}\n`),
  };
  if (endpoint !== undefined) await serve(endpoint, sinkOptions);
  else {
    const connection = new Pair(Readable.from(context.stdin, { objectMode: false }), context.stdout);
    await serveConnection(connection, clientName(context.env), sinkOptions);
  }
  return EXIT.success;
}

/** The client, as a UCSPI server names it. */
function clientName({ TCPREMOTEIP, TCPREMOTEPORT }: Environment): string {
  return `${TCPREMOTEIP || "client"}${TCPREMOTEPORT ? ` port ${TCPREMOTEPORT}` : ""}`;
}
