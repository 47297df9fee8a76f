import { readFileSync } from "node:fs";
import { CommandError, reason, systemCode } from "../errors.ts";

/** Where qmail is: `$QMAILHOME`, or where it is installed if nobody says otherwise. */
export function qmailHome(env: Readonly<Record<string, string | undefined>>): string {
  return env.QMAILHOME || "/var/qmail";
}

/**
 * The first line of a control file (qmail-control(5)), or undefined where there is none.
 * @throws the system's error for a file that is there and cannot be read
 */
export function readControlLine(home: string, name: string): Buffer | undefined {
  const line = contentOf(`${home}/control/${name}`)?.split("\n", 1)[0];
  return line === undefined || trimmed(line) === "" ? undefined : Buffer.from(trimmed(line), "latin1");
}

/** A line of a control file, with its place for errors. */
export interface ControlEntry {
  readonly text: string;
  readonly origin: string;
}

/**
 * The lines of a control file, without empty ones and comments; none where there is no such file.
 * @throws {CommandError} unreadable-configuration
 */
export function readControlLines(home: string, name: string): ControlEntry[] {
  const path = `${home}/control/${name}`;
  try {
    const lines = Buffer.from(contentOf(path) ?? "", "latin1")
      .toString()
      .split("\n");
    return lines
      .map((line, index) => ({ text: trimmed(line), origin: `${path}, line ${index + 1}` }))
      .filter(({ text }) => text !== "" && !text.startsWith("#"));
  } catch (error) {
    throw new CommandError(`cannot read ${path}: ${reason(error)}; make it readable for this user`, {
      code: "unreadable-configuration",
      cause: error,
    });
  }
}

/** As Latin-1, which keeps every byte. */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Blanks at the end of a line are no part of it. */
function trimmed(line: string): string {
  return line.replace(/[ \t\r\0]+$/, "");
}
