import type { Command } from "commander";
import type { ExitTable } from "../report/exit-code.ts";
import type { Context } from "./context.ts";

/** A command's code: what a module in commands/ exports. */
export interface CommandModule {
  /** Declares options, operands and examples. */
  declare(command: Command): void;
  /**
   * Checks the command line, and gives everything in it a name and a type. Nothing after it sees options.
   * @param operands the arguments that are not options, in order
   * @throws {QmtpError} usage, and what makes the request impossible
   */
  read(options: object, operands: readonly string[], context: Context): Promise<unknown> | unknown;
  /**
   * @returns the exit code
   * @throws {QmtpError} what ended it before it had results
   */
  run(request: unknown, context: Context): Promise<number>;
}

/** A line in the table of commands. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  readonly exitCodes: ExitTable;
  /** Run once per message, so that its start-up counts. */
  readonly frequent?: true;
  /** Loads the command's code, which no other command needs. */
  readonly load: () => Promise<CommandModule>;
}

/** A program that runs a command in place of another program, such as maildirqmtp. */
export interface Launcher {
  readonly command: string;
  /** If it takes only operands: their names and descriptions. */
  readonly operands?: readonly (readonly [name: string, description: string])[];
  readonly summary?: string;
  /** The command's arguments for the launcher's. */
  readonly args?: (given: readonly string[]) => string[];
}

/** All that a user can call. */
export interface CommandTable {
  readonly commands: readonly CommandEntry[];
  /** By name. */
  readonly launchers: Readonly<Record<string, Launcher>>;
}
