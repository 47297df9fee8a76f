import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { Command } from "commander";
import { deliver } from "../client/deliver.ts";
import type { Context } from "../context.ts";
import { interruptedReading } from "../errors.ts";
import { type OpenMessage, openStream } from "../message/open.ts";
import type { Delivery } from "../protocol/delivery.ts";
import { complain } from "../report/complaints.ts";
import { exitCode, QUEUE_TABLE, QUEUE_TOLD } from "../report/exit-code.ts";
import type { Endpoint } from "../transport/endpoint.ts";
import { inheritedKind } from "../transport/inherited.ts";
import { requiredServers } from "./configured-servers.ts";
import { readEnvelope, refuseTerminal } from "./queue-input.ts";
import { connectorFor, serversOf } from "./route-options.ts";
import {
  declareServers,
  limitsOf,
  startTranscript,
  type TransmissionOptions,
  transcriptOption,
} from "./session-options.ts";

/** 10 seconds as qmail-qmqpc has it: a caller waits. */
const DEFAULTS = { server: "control/qmtpservers in the qmail home", connectSeconds: 10 };

const EXAMPLES = `
Examples:
  echo qmtps://mx.example.org > /var/qmail/control/qmtpservers
  QMAILQUEUE=/usr/local/bin/qmail-qmtpc qmail-inject joe@example.org < message.eml
  printf 'Fa@example.org\\0Tb@example.org\\0\\0' > envelope
  qmtp queue -v -s mx.example.org < message.eml 1< envelope

Exit codes (11 to 40 are permanent, all others temporary):
  0   success for every recipient
  31  a failure, and no deferral
  51  the envelope is too long
  53  no room for the message in the directory for temporary files
  54  message or envelope cannot be read
  55  no servers, or wrong configuration
  56  this host cannot connect to anybody
  71  a deferral
  72  no connection within the time to connect
  73  no connection
  74  the session ended before everything was answered
  82  as 31 or 71, and the server's text is on descriptor 6
  91  the envelope does not follow its format`;

/** `qmtp queue`: qmail-queue's interface. Descriptor 1 is read here, so nothing is ever printed there. */
export function declareQueue(command: Command, context: Context, exit: (code: number) => void): void {
  declareServers(command, DEFAULTS)
    .addOption(transcriptOption(command))
    .addHelpText("after", EXAMPLES)
    .action(async (options: TransmissionOptions) => {
      exit(await queue(options, context));
    });
}

/** @throws {CommandError} what ends it before it has results */
async function queue(options: TransmissionOptions, context: Context): Promise<number> {
  const endpoints = serversOf(options, context.env, (port) => requiredServers(context.env, port));
  const connector = await connectorFor(endpoints, options, context);
  refuseTerminal();
  const open = await openMessage(context);
  try {
    const envelope = await readEnvelope(context);
    const { deliveries, problem, violations } = await deliver([{ ...envelope, message: open.message }], {
      endpoints,
      connector,
      limits: limitsOf(options),
      signal: context.interrupted,
      watch: startTranscript(options, context),
    });
    await complain(deliveries, violations, context);
    const code = exitCode(deliveries, QUEUE_TABLE, problem);
    const told =
      [QUEUE_TABLE.failure, QUEUE_TABLE.deferral].includes(code) && tellCaller(deliveries, endpoints);
    return told ? QUEUE_TOLD : code;
  } finally {
    open.close();
  }
}

async function openMessage({ env, interrupted, stdin }: Context): Promise<OpenMessage> {
  try {
    const format = {
      encoding: "unix",
      raw: true,
      temporaryDirectory: env.TMPDIR || "/tmp",
      signal: interrupted,
    } as const;
    return await openStream(stdin, "standard input", format);
  } catch (error) {
    throw interrupted.aborted ? interruptedReading("the message", interrupted) : error;
  }
}

/** Where callers that know of it look for the text of a refusal: at most so many bytes. */
const REFUSAL = 6;
const MOST_REFUSAL = 255;

/**
 * Writes the server's text for the recipient that decides to descriptor 6, if whoever started us made a pipe there.
 * @returns whether it was written
 */
function tellCaller(deliveries: readonly Delivery[], endpoints: readonly Endpoint[]): boolean {
  // Below a UCSPI client, descriptor 6 is the connection.
  if (endpoints.some(({ kind }) => kind === "ucspi") || inheritedKind(REFUSAL) !== "pipe") return false;
  const deferral = deliveries.find(({ status, origin }) => status === "deferral" && origin === "server");
  const decisive = deferral ?? deliveries.find(({ status }) => status === "failure");
  const text = `${deferral === undefined ? "D" : "Z"}${decisive?.text.toString("latin1").replace(/[^\x20-\x7e]/g, "?")}`;
  try {
    // Nothing can be written to what is for reading only. Opened anew, it is not waited for where nobody reads.
    writeSync(REFUSAL, Buffer.alloc(0));
    const fd = openSync(`/dev/fd/${REFUSAL}`, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, text.slice(0, MOST_REFUSAL), null, "latin1");
    } finally {
      closeSync(fd);
    }
    return true;
  } catch {
    // 31 and 71 say enough.
    return false;
  }
}
