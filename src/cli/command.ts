import type { Command } from "commander";
import type { ExitTable } from "../report/exit-tables.ts";
import type { Context } from "./context.ts";

/** A command's code: what a module in commands/ exports. */
export interface CommandModule {
  /** Declares options, operands and examples. */
  declare(command: Command): void;
  /**
   * Checks the command line and turns it into a typed request. No later code sees options.
   * @param operands the arguments that are not options, in order
   * @throws {QmtpError} usage, and whatever makes the request impossible
   */
  read(options: object, operands: readonly string[], context: Context): Promise<unknown> | unknown;
  /**
   * @returns the exit code
   * @throws {QmtpError} if it fails before it has results
   */
  run(request: unknown, context: Context): Promise<number>;
  /** Options from the configuration, which come before those of the command line. @throws {QmtpError} */
  configured?(context: Context): readonly ConfiguredOption[];
  /**
   * Reports an error that ended the command, for callers that do not read standard error.
   * @param exitCode the error's exit code
   * @returns the exit code to use
   */
  reportError?(line: string, exitCode: number, context: Context): number;
}

/** An option in the configuration. */
export interface ConfiguredOption {
  /** The option, and its value if it has one. */
  readonly args: readonly string[];
  /** Its file and line, for error messages. */
  readonly origin: string;
}

/** An entry in the table of commands. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly exitCodes: ExitTable;
  /** Set for commands that are run once per message, so that their start-up time matters. */
  readonly frequent?: true;
  /** Loads the command's code, which other commands do not need. */
  readonly load: () => Promise<CommandModule>;
}

/** Another name for the program, such as maildirqmtp: it runs a command with the interface of another program. */
export interface Launcher {
  readonly command: string;
  /** For a launcher that accepts only operands: their names and descriptions. The last may repeat if it ends in dots. */
  readonly operands?: readonly (readonly [name: string, description: string])[];
  readonly summary?: string;
  /** Of its man page; by default 1. */
  readonly section?: number;
  /** Turns the launcher's arguments into the command's. */
  readonly args?: (given: readonly string[]) => string[];
}

/** All commands and launchers. */
export interface CommandTable {
  readonly commands: readonly CommandEntry[];
  /** By name. */
  readonly launchers: Readonly<Record<string, Launcher>>;
}
