import { readFileSync } from "node:fs";
import { QmtpError, reason, systemCode } from "../errors.ts";
import type { Environment } from "../io/environment.ts";

/** Where qmail is installed: `$QMAILHOME` or /var/qmail. */
export function qmailHome(env: Environment): string {
  return env.QMAILHOME || "/var/qmail";
}

/**
 * The first line of a control file (qmail-control(5)), or undefined if there is none.
 * @throws {QmtpError} unreadable-configuration
 */
export function readControlLine(home: string, name: string): Buffer | undefined {
  const line = contentOf(`${home}/control/${name}`)?.split("\n", 1)[0];
  return line === undefined || trimEnd(line) === "" ? undefined : Buffer.from(trimEnd(line), "latin1");
}

/** A line of a control file, with its file and number for error messages. */
export interface ControlEntry {
  readonly text: string;
  readonly origin: string;
}

/**
 * The lines of a control file, without empty lines and comments; none if there is no such file.
 * @throws {QmtpError} unreadable-configuration
 */
export function readControlLines(home: string, name: string): ControlEntry[] {
  const path = `${home}/control/${name}`;
  const lines = Buffer.from(contentOf(path) ?? "", "latin1")
    .toString()
    .split("\n");
  return lines
    .map((line, index) => ({ text: trimEnd(line), origin: `${path}, line ${index + 1}` }))
    .filter(({ text }) => text !== "" && !text.startsWith("#"));
}

/**
 * The content as Latin-1, which preserves every byte; undefined if there is no such file.
 * @throws {QmtpError} unreadable-configuration
 */
function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    const message = `cannot read ${path}: ${reason(error)}; make it readable for this user`;
    throw new QmtpError("unreadable-configuration", message, { cause: error });
  }
}

/** Removes trailing blanks, CRs and NULs. */
function trimEnd(line: string): string {
  return line.replace(/[ \t\r\0]+$/, "");
}
