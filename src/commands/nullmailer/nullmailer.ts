import { fstatSync } from "node:fs";
import { isIP } from "node:net";
import type { Command } from "commander";
import type { CommandModule } from "../../cli/command.ts";
import type { Context } from "../../cli/context.ts";
import { addGroup, option } from "../../cli/options/kinds.ts";
import { declareRoute, type RouteOptions, readRoute } from "../../cli/options/route.ts";
import { transcriptOptions } from "../../cli/options/transcript.ts";
import { deliver } from "../../client/deliver.ts";
import type { Route } from "../../client/route.ts";
import { readNullmailerHead } from "../../envelope/nullmailer-head.ts";
import { inputError, usageError } from "../../errors.ts";
import { fileMessage } from "../../message/file.ts";
import { fileChunks } from "../../message/file-chunks.ts";
import { withReadErrors } from "../../message/read-errors.ts";
import type { Delivery } from "../../protocol/delivery.ts";
import { exitCode } from "../../report/exit-code.ts";
import { NULLMAILER_TABLE } from "../../report/exit-tables.ts";
import { sanitiseCapped } from "../../report/sanitise.ts";
import { problemLines } from "../../report/text.ts";
import { optionsFromNullmailer } from "./options.ts";

/** `qmtp nullmailer`: a protocol module for nullmailer. Standard output is what its bounces quote. */
export const nullmailer: CommandModule = {
  declare,
  read,
  run,
  configured: optionsFromNullmailer,
  reportError,
};

const EXAMPLES = `
Options also come from descriptor 0, as nullmailer passes them. The message, with its envelope, is on descriptor 3.

Examples:
  ln -s /usr/local/bin/nullmailer-qmtp /usr/lib/nullmailer/qmtp
  echo 'mx.example.org qmtp --tls' > /etc/nullmailer/remotes
  echo | qmtp nullmailer -v -s mx.example.org 3< /var/spool/nullmailer/failed/1796065565.3682`;

const DEFAULTS = { server: "none", connectSeconds: 60 };

interface NullmailerOptions extends RouteOptions {
  readonly tls?: true;
}

function declare(command: Command): void {
  declareRoute(command, DEFAULTS);
  addGroup(command, "server", [option("--tls", "connect with TLS, as with qmtps://host")]);
  addGroup(command, "output", transcriptOptions());
  command.addHelpText("after", EXAMPLES);
}

/** @throws {QmtpError} usage, unreadable-configuration, unwritable-trace */
function read(options: NullmailerOptions, _operands: readonly string[], context: Context): Promise<Route> {
  const server = options.server?.map((text) => endpointOf(text, options.tls === true));
  const noServer = () => {
    throw usageError("no server: nullmailer names it, or --server");
  };
  return readRoute({ ...options, ...(server && { server }) }, context, noServer);
}

/** nullmailer writes IPv6 addresses without brackets. */
function endpointOf(text: string, tls: boolean): string {
  const host = isIP(text) === 6 ? `[${text}]` : text;
  if (!tls || /^qmtps:\/\//i.test(host)) return host;
  if (/^(?:[a-z]+:\/\/|(?:unix|exec|mx|ucspi):)/i.test(host)) throw usageError(`'${text}' cannot use TLS`);
  return `qmtps://${host}`;
}

const MESSAGE = 3;

async function run(route: Route, context: Context): Promise<number> {
  const { signal } = route;
  if (!isFile(MESSAGE))
    throw inputError("descriptor 3 is not a file; redirect one from nullmailer's queue to it");
  const head = await readNullmailerHead(withReadErrors(fileChunks(MESSAGE), "descriptor 3"));
  const { sender, recipients, length } = head;
  const format = { encoding: "unix", raw: true } as const;
  const message = await fileMessage(MESSAGE, "the message on descriptor 3", format, signal, length);
  const { deliveries, cause, violations } = await deliver([{ sender, recipients, message }], route);
  // Its log has standard error; standard output is for bounces.
  await context.sayAll(problemLines(deliveries, violations));
  context.stdout.write(`${diagnostic(deliveries)}\n`);
  return exitCode(deliveries, NULLMAILER_TABLE, cause?.error ?? null);
}

function isFile(fd: number): boolean {
  try {
    return fstatSync(fd).isFile();
  } catch {
    return false;
  }
}

/** One line: it becomes a header field of a bounce. */
function diagnostic(deliveries: readonly Delivery[]): string {
  const problems = [...problemLines(deliveries, [])];
  const [first] = deliveries;
  return problems.length > 0 ? problems.join("; ") : sanitiseCapped(first?.text ?? Buffer.alloc(0));
}

function reportError(line: string, exitCode: number, { stdout, say }: Context): number {
  say(line);
  stdout.write(`${line}\n`);
  return exitCode;
}
