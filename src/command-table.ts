import type { CommandEntry, CommandTable, Launcher } from "./cli/command.ts";
import { PREFIX_MEANING } from "./cli/options/kinds.ts";
import {
  BENCH_TABLE,
  CHECK_TABLE,
  DECODE_TABLE,
  ENCODE_TABLE,
  MAILDIR_TABLE,
  NULLMAILER_TABLE,
  PING_TABLE,
  QUEUE_TABLE,
  REMOTE_TABLE,
  SEND_TABLE,
  SENDMAIL_TABLE,
  SERIAL_TABLE,
  SINK_TABLE,
  TOOL_TABLE,
} from "./report/exit-tables.ts";

/** Every command. A new one is an entry here, and a file or folder in commands/. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: "send",
    summary: "send one message, from standard input or a file",
    exitCodes: SEND_TABLE,
    frequent: true,
    load: async () => (await import("./commands/send/send.ts")).send,
  },
  {
    name: "maildir",
    summary: "deliver the messages of a maildir",
    exitCodes: MAILDIR_TABLE,
    load: async () => (await import("./commands/maildir/maildir.ts")).maildir,
  },
  {
    name: "serial",
    summary: "send files named on standard input over descriptors 6 and 7, like serialqmtp",
    exitCodes: SERIAL_TABLE,
    load: async () => (await import("./commands/serial.ts")).serial,
  },
  {
    name: "queue",
    summary: "send a message in place of qmail-queue, from descriptors 0 and 1",
    exitCodes: QUEUE_TABLE,
    frequent: true,
    load: async () => (await import("./commands/queue/queue.ts")).queue,
  },
  {
    name: "sendmail",
    summary: "send a message in place of sendmail",
    exitCodes: SENDMAIL_TABLE,
    frequent: true,
    load: async () => (await import("./commands/sendmail/sendmail.ts")).sendmail,
  },
  {
    name: "remote",
    summary: "send a message in place of qmail-remote, by QMTP where possible",
    exitCodes: REMOTE_TABLE,
    frequent: true,
    load: async () => (await import("./commands/remote/remote.ts")).remote,
  },
  {
    name: "nullmailer",
    summary: "send a message from nullmailer's queue, as one of its protocol modules",
    exitCodes: NULLMAILER_TABLE,
    frequent: true,
    load: async () => (await import("./commands/nullmailer/nullmailer.ts")).nullmailer,
  },
  {
    name: "ping",
    summary: "connect to a server, and say how long it took and what answered; no mail is sent",
    exitCodes: PING_TABLE,
    load: async () => (await import("./commands/ping/ping.ts")).ping,
  },
  {
    name: "bench",
    summary: "measure how fast a server is",
    exitCodes: BENCH_TABLE,
    load: async () => (await import("./commands/bench/bench.ts")).bench,
  },
  {
    name: "sink",
    summary: "run a QMTP server for tests and demonstrations",
    exitCodes: SINK_TABLE,
    load: async () => (await import("./commands/sink/sink.ts")).sink,
  },
  {
    name: "encode",
    summary: "write the bytes of a package, or of responses",
    exitCodes: ENCODE_TABLE,
    load: async () => (await import("./commands/encode/encode.ts")).encode,
  },
  {
    name: "decode",
    summary: "list what is in packages or responses, and what is wrong with them",
    exitCodes: DECODE_TABLE,
    load: async () => (await import("./commands/decode/decode.ts")).decode,
  },
  {
    name: "check",
    summary: "check which requirements of the protocol a server keeps",
    exitCodes: CHECK_TABLE,
    load: async () => (await import("./commands/check/check.ts")).check,
  },
  {
    name: "completion",
    summary: "print a script that completes command lines in a shell",
    exitCodes: TOOL_TABLE,
    load: async () => (await import("./commands/completion.ts")).completionFor(COMMAND_TABLE),
  },
  {
    name: "man",
    summary: "show a man page of this package",
    exitCodes: TOOL_TABLE,
    load: async () => (await import("./commands/man.ts")).man,
  },
];

/** The other names by which the program can be called. */
const LAUNCHERS: Readonly<Record<string, Launcher>> = {
  maildirqmtp: {
    command: "maildir",
    summary: "deliver the messages of a maildir; failures are bounced, and messages expire after two weeks",
    operands: [
      ["dir", "the maildir"],
      ["prefix", PREFIX_MEANING],
      ["host", "the server, an endpoint as in qmtp(1)"],
    ],
    args: ([dir = "", prefix = "", host]) => ["-b", "-t", "1209600", `--server=${host}`, "--", dir, prefix],
  },
  serialqmtp: {
    command: "serial",
    summary: "send files named on standard input over descriptors 6 and 7",
    operands: [["prefix", PREFIX_MEANING]],
    args: (given) => ["--", ...given],
  },
  "qmail-qmtpc": { command: "queue" },
  "qmtp-sendmail": { command: "sendmail" },
  "qmtp-remote": {
    command: "remote",
    section: 8,
    operands: [
      ["host", "where to send: a domain"],
      ["sender", "the envelope sender; '' is the null sender"],
      ["recipient...", "the envelope recipients"],
    ],
    args: (given) => ["--", ...given],
  },
  "nullmailer-qmtp": { command: "nullmailer" },
};

export const COMMAND_TABLE: CommandTable = { commands: COMMANDS, launchers: LAUNCHERS };
