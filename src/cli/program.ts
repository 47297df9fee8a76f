import { type Command, CommanderError } from "commander";
import { QmtpError, reason, usageError } from "../errors.ts";
import { errorExitCode } from "../report/exit-code.ts";
import { EXIT, type ExitTable, SEND_TABLE } from "../report/exit-tables.ts";
import { describe } from "../report/remedies.ts";
import { buildCommand, buildLauncher, buildOverview } from "./build-command.ts";
import type { CommandEntry, CommandTable, ConfiguredOption, Launcher } from "./command.ts";
import type { Context } from "./context.ts";
import { usageMessage } from "./usage-message.ts";

/** The command that a command line asks for. */
interface Invocation {
  /** Undefined if no command is named. */
  readonly entry: CommandEntry | undefined;
  /** The name to show, such as `qmtp send`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly launcher?: Launcher | undefined;
}

/** How a run ended. */
interface RunResult {
  readonly exitCode: number;
  /** Whether the exit code means that every recipient has a final result, so that no other run is needed. */
  readonly isFinal: boolean;
  /** Whether a command that is run once per message succeeded. */
  readonly frequent: boolean;
}

/** Runs a command line. Never rejects: an error becomes a line on standard error. */
export async function runProgram(
  args: readonly string[],
  table: CommandTable,
  context: Context,
): Promise<RunResult> {
  const invocation = invocationOf(args, table, context.name);
  const { frequent = false, exitCodes = SEND_TABLE } = invocation.entry ?? {};
  const result = (exitCode: number) => ({
    exitCode,
    isFinal: exitCode === exitCodes.success || exitCode === exitCodes.failure,
    frequent: frequent && exitCode === EXIT.success,
  });
  try {
    return result(await run(invocation, table, context));
  } catch (error) {
    if (isHelpOrVersion(error)) return { ...result(EXIT.success), frequent: false };
    const { line, exitCode } = describeFailure(error, exitCodes);
    if (line !== "") context.say(line);
    return result(exitCode);
  }
}

function invocationOf(args: readonly string[], table: CommandTable, program: string): Invocation {
  const entryNamed = (wanted: string) => table.commands.find((entry) => entry.name === wanted);
  const launcher = table.launchers[program];
  if (launcher !== undefined) {
    return { entry: entryNamed(launcher.command), name: program, args: withoutShortHelp(args), launcher };
  }
  const [first = "", second] = args;
  // `qmtp help send` and `qmtp --help send` mean `qmtp send --help`.
  const asksForHelp = ["help", "--help", "-h"].includes(first) && second !== undefined;
  const [name = "", ...rest] = asksForHelp ? [second, "--help"] : args;
  const entry = entryNamed(name);
  if (entry !== undefined) return { entry, name: `qmtp ${name}`, args: rest };
  return { entry, name: "qmtp", args: asksForHelp ? [second] : args };
}

/** For any launcher, `-h` as the only argument asks for help, even though sendmail has an option -h. */
function withoutShortHelp(args: readonly string[]): readonly string[] {
  return args.length === 1 && args[0] === "-h" ? ["--help"] : args;
}

async function run(invocation: Invocation, table: CommandTable, context: Context): Promise<number> {
  const { entry, name, args, launcher } = invocation;
  if (entry === undefined) {
    parse(buildOverview(table.commands, context), args);
    return EXIT.success;
  }
  const module = await entry.load();
  try {
    const given = launcher?.operands === undefined ? args : operandsOf(entry, name, launcher, args, context);
    const command = buildCommand(entry, name, module, context);
    // Help does not wait for options on a descriptor.
    const configured = asksForText(given) ? [] : (module.configured?.(context) ?? []);
    for (const option of configured) parseConfigured(command, option);
    parse(command, given);
    return await module.run(await module.read(command.opts(), command.args, context), context);
  } catch (error) {
    if (module.reportError === undefined || isHelpOrVersion(error)) throw error;
    const { line, exitCode } = describeFailure(error, entry.exitCodes);
    return module.reportError(line, exitCode, context);
  }
}

/** The command's arguments for a launcher that accepts only operands. */
function operandsOf(
  entry: CommandEntry,
  name: string,
  launcher: Launcher,
  args: readonly string[],
  context: Context,
): readonly string[] {
  const { operands = [], args: argsFor = (given) => [...given] } = launcher;
  if (args.length === 1 && (args[0] === "--help" || args[0] === "--version")) {
    parse(buildLauncher(entry, name, launcher, context), args);
  }
  const repeats = operands.at(-1)?.[0].endsWith("...") === true;
  if (args.length === operands.length || (repeats && args.length > operands.length)) return argsFor(args);
  const usage = [name, ...operands.map(([operand]) => operand)].join(" ");
  throw usageError(`usage: ${usage}; see ${name}(${launcher.section ?? 1})`);
}

/** @throws {QmtpError} usage; {CommanderError} when it has printed help or the version */
function parse(command: Command, args: readonly string[]): void {
  try {
    command.parse(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError) || isHelpOrVersion(error)) throw error;
    // If the command is missing, commander has printed the help.
    const line = error.code === "commander.help" ? "" : usageMessage(error, command);
    throw usageError(line && `${line}; see ${command.name()} --help`);
  }
}

function asksForText(args: readonly string[]): boolean {
  const end = args.indexOf("--");
  const options = end === -1 ? args : args.slice(0, end);
  return options.some((arg) => ["--help", "-h", "--version"].includes(arg));
}

/** @throws {QmtpError} unreadable-configuration */
function parseConfigured(command: Command, { args, origin }: ConfiguredOption): void {
  try {
    // Commander would print the version at once.
    if (args.includes("--version")) throw usageError("unknown option '--version'");
    const { operands, unknown } = command.parseOptions([...args]);
    if (operands.length + unknown.length > 0) throw usageError(`unknown option '${args[0]?.split("=", 1)}'`);
  } catch (error) {
    const why = error instanceof CommanderError ? usageMessage(error, command) : reason(error);
    throw new QmtpError("unreadable-configuration", `${origin}: ${why}`, { cause: error });
  }
}

/** Whether commander has printed the help or the version, as it was asked to. */
function isHelpOrVersion(error: unknown): boolean {
  return error instanceof CommanderError && error.exitCode === 0;
}

/** The line and the exit code for an error that ended a command before it had results. */
function describeFailure(error: unknown, exitCodes: ExitTable): { line: string; exitCode: number } {
  const failure = error instanceof QmtpError ? error : new QmtpError("unexpected", String(error));
  const line = error instanceof Error ? describe(error) : String(error);
  return { line, exitCode: errorExitCode(failure, exitCodes) };
}
