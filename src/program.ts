import { Command, CommanderError } from "commander";
import { version } from "../package.json";
import type { Context } from "./context.ts";
import { CommandError, usageError } from "./errors.ts";
import {
  EXIT,
  type ExitTable,
  problemExitCode,
  QMAIL_TABLE,
  QUEUE_TABLE,
  SENDMAIL_TABLE,
} from "./report/exit-code.ts";

/** Declares a command's options and its action, which says the exit code. */
type Declare = (command: Command, context: Context, exit: (code: number) => void) => void;

interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Of the interface that it stands in for; else qmail's convention. */
  readonly exitCodes?: ExitTable;
  readonly load: () => Promise<Declare>;
}

/** A command's code is run, and its options are declared, only when it is the one that was asked for. */
const COMMANDS: readonly CommandEntry[] = [
  {
    name: "send",
    summary: "send one message, from standard input or a file",
    load: async () => (await import("./commands/send.ts")).declareSend,
  },
  {
    name: "maildir",
    summary: "deliver the messages of a maildir",
    load: async () => (await import("./commands/maildir.ts")).declareMaildir,
  },
  {
    name: "serial",
    summary: "send files named on standard input over descriptors 6 and 7, as serialqmtp does",
    load: async () => (await import("./commands/serial.ts")).declareSerial,
  },
  {
    name: "queue",
    summary: "take one message as qmail-queue does, on descriptors 0 and 1, and send it",
    exitCodes: QUEUE_TABLE,
    load: async () => (await import("./commands/queue.ts")).declareQueue,
  },
  {
    name: "sendmail",
    summary: "take one message as sendmail does, and send it",
    exitCodes: SENDMAIL_TABLE,
    load: async () => (await import("./commands/sendmail.ts")).declareSendmail,
  },
  {
    name: "sink",
    summary: "run a QMTP server for tests and demonstrations",
    load: async () => (await import("./commands/sink.ts")).declareSink,
  },
  {
    name: "completion",
    summary: "print a script that completes command lines in a shell",
    load: async () => {
      const { declareCompletion } = await import("./commands/completion.ts");
      return (command, context, exit) =>
        declareCompletion(command, context, () => buildProgram(context, exit, () => true));
    },
  },
];

/** Launchers that are a command of their own: what their arguments are for `qmtp`. */
const LAUNCHERS: Readonly<Record<string, Launcher>> = {
  maildirqmtp: {
    command: "maildir",
    usage: "maildirqmtp dir prefix host",
    args: ([dir = "", prefix = "", host]) => ["-b", "-t", "1209600", `--server=${host}`, "--", dir, prefix],
  },
  serialqmtp: { command: "serial", usage: "serialqmtp prefix", args: (given) => ["--", ...given] },
  "qmail-qmtpc": { command: "queue" },
  "qmtp-sendmail": { command: "sendmail" },
};

interface Launcher {
  readonly command: string;
  /** Where it takes operands only: as many as these words. */
  readonly usage?: string;
  readonly args?: (given: readonly string[]) => string[];
}

/**
 * The arguments of `qmtp` that a launcher stands for.
 * @throws {CommandError} usage
 */
export function argsFor(launcher: string, given: readonly string[]): readonly string[] {
  const found = LAUNCHERS[launcher];
  if (found === undefined) return given;
  const { command, usage, args = (same) => [...same] } = found;
  const [only] = given;
  if (given.length === 1 && (only === "-h" || only === "--help")) return [command, "--help"];
  if (given.length === 1 && only === "--version") return ["--version"];
  if (usage !== undefined && given.length !== usage.split(" ").length - 1) {
    throw usageError(`usage: ${usage}; see ${launcher}(1)`);
  }
  return [command, ...args(given)];
}

/**
 * Runs the command that the arguments name.
 * @returns the exit code
 * @throws {CommandError} what ends a command before it has results; {CommanderError} wrong usage
 */
export async function run(context: Context): Promise<number> {
  let exitCode: number = EXIT.success;
  const program = await buildProgram(context, (code) => {
    exitCode = code;
  });
  await program.parseAsync(argsOf(context.args), { from: "user" });
  return exitCode;
}

/** `help <command>` is `<command> --help`; of a command that there is not, it is the error. */
function argsOf(args: readonly string[]): readonly string[] {
  const [first, name] = args;
  if (first !== "help" || name === undefined) return args;
  return COMMANDS.some((command) => command.name === name) ? [name, "--help"] : [name];
}

/**
 * The tree of commands: of those that are wanted, with their options, or of all without, to choose from.
 * @param wanted the one that the arguments name
 */
export async function buildProgram(
  context: Context,
  exit: (code: number) => void,
  wanted = (name: string) => name === (context.args[0] === "help" ? context.args[1] : context.args[0]),
): Promise<Command> {
  const program = new Command("qmtp")
    .description("Command-line client for the Quick Mail Transfer Protocol (QMTP)")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .addHelpText("after", "\nqmtp <command> --help tells a command's options; qmtp(1) tells all.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.stdout.write(text),
      writeErr: (text) => context.stderr.write(text),
      // Printed in one place, with all other errors.
      outputError: () => {},
    });
  const some = COMMANDS.filter(({ name }) => wanted(name));
  for (const { name, summary } of some.length === 0 ? COMMANDS : []) {
    program.command(name).description(summary);
  }
  for (const { name, summary, load } of some) {
    (await load())(program.command(name).description(summary), context, exit);
  }
  return program;
}

/** Whether commander ended the run because it has printed what was asked for: help, or the version. */
export function isAnswer(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** What to say of an error that ended a command before it had results, on one line, and its exit code. */
export function howItFailed(error: unknown, args: readonly string[]): { line: string; exitCode: number } {
  const { name, exitCodes = QMAIL_TABLE } = COMMANDS.find((command) => command.name === args[0]) ?? {};
  if (error instanceof CommanderError) {
    const exitCode = problemExitCode({ code: "usage", fault: "local" }, exitCodes);
    return { line: usageLine(error, name), exitCode };
  }
  const problem = error instanceof CommandError ? error : { code: "unexpected", fault: "local" as const };
  const line = error instanceof Error ? error.message : String(error);
  return { line, exitCode: problemExitCode(problem, exitCodes) };
}

/** For a command line that commander does not understand. */
function usageLine(error: CommanderError, command: string | undefined): string {
  // Its help for a missing command was printed already.
  if (error.code === "commander.help") return "";
  const what = error.message
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ")
    .replace(/\.$/, "");
  return `${what}; see qmtp ${command === undefined ? "" : `${command} `}--help`;
}
