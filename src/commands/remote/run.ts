import { fstatSync, statSync } from "node:fs";
import type { Context } from "../../cli/context.ts";
import type { ResolvingRoute } from "../../cli/options/route.ts";
import { deliver } from "../../client/deliver.ts";
import { inputError, QmtpError } from "../../errors.ts";
import { fileMessage } from "../../message/file.ts";
import { type OpenMessage, readStream } from "../../message/open.ts";
import { remoteReport, verdict } from "../../qmail/remote-report.ts";
import { SmtpRemote } from "../../qmail/smtp-remote.ts";
import { EXIT } from "../../report/exit-tables.ts";
import type { OpenConnection } from "../../transport/connector.ts";
import { connect } from "./connect.ts";
import type { RemoteRequest } from "./read.ts";

/** Asks the launcher to run qmail-remote; nothing has been read or printed then. */
const HAND_OVER = 99;

export async function run(request: RemoteRequest, context: Context): Promise<number> {
  const reached = request.smtpOnly ? "smtp" : await connect(request, context);
  if (reached === "smtp") return handOver(request, context);
  if ("letter" in reached) return print(verdict(reached.letter, reached.text), context);
  return print(await send(request, reached.opened, reached.route, context), context);
}

/** Leaves the message to qmail-remote. The launcher runs it after we have exited, which frees our memory. */
async function handOver({ operands }: RemoteRequest, context: Context): Promise<number> {
  const { env, interrupted } = context;
  const smtp = new SmtpRemote(env);
  if (smtp.problem !== undefined) return print(verdict("Z", `${smtp.problem} (#4.3.5)`), context);
  if (env.QMTP_REMOTE_LAUNCHER) return HAND_OVER;
  if (operands === undefined) return EXIT.temporary;
  const code = await smtp.run(operands, interrupted);
  return code === EXIT.success ? EXIT.success : EXIT.temporary;
}

/** Sends the message unchanged: lines in qmail's queue end with LF. */
async function send(
  { sender, recipients }: RemoteRequest,
  opened: OpenConnection,
  route: ResolvingRoute,
  context: Context,
): Promise<string> {
  const server = opened.server.address ?? opened.server.endpoint;
  let open: OpenMessage;
  try {
    open = await openMessage(route, context);
  } catch (error) {
    opened.connection.destroy();
    if (error instanceof QmtpError) return verdict("Z", `${error.message} (#4.3.0)`);
    throw error;
  }
  try {
    const once = { open: async () => opened };
    const { deliveries } = await deliver([{ sender, recipients, message: open.message }], {
      ...route,
      connector: once,
    });
    return remoteReport(deliveries, server);
  } finally {
    // There was no session if the time was over.
    if (route.limit?.leftMs === 0) opened.connection.destroy();
    open.close();
  }
}

/** Opens the message without moving the descriptor's position. */
async function openMessage(
  { limit }: Pick<ResolvingRoute, "limit">,
  { stdin, temporaryDirectory, interrupted: signal }: Context,
): Promise<OpenMessage> {
  const name = "the message";
  const format = { encoding: "unix", raw: true } as const;
  const { regularFile } = stdin;
  if (regularFile === undefined) {
    if (isNullDevice()) throw inputError("the message is not on descriptor 0: it is closed, or /dev/null");
    return readStream(stdin, name, { ...format, temporaryDirectory, signal, limit });
  }
  return { message: await fileMessage(regularFile, name, format, signal), close: () => {} };
}

/** Whether descriptor 0 is /dev/null, which Node opens if it was closed. Its message would be empty. */
function isNullDevice(): boolean {
  const input = fstatSync(0);
  return input.isCharacterDevice() && input.rdev === statSync("/dev/null").rdev;
}

function print(records: string, { stdout }: Context): number {
  stdout.write(records, "latin1");
  return EXIT.success;
}
