import type { ConfiguredOption } from "../../cli/command.ts";
import { QmtpError } from "../../errors.ts";
import { readControlLines } from "../../qmail/control.ts";

/**
 * The options in control/qmtpremoteargs: one per line, with its value after a blank or `=`.
 * @throws {QmtpError} unreadable-configuration
 */
export function configuredOptions(home: string): ConfiguredOption[] {
  return readControlLines(home, "qmtpremoteargs").map(({ text, origin }) => {
    const [, name, value] = /^\s*(-[^\s=]+)(?:(?:\s+|\s*=\s*)(.+))?$/.exec(text) ?? [];
    if (name === undefined || name === "--") {
      throw new QmtpError("unreadable-configuration", `${origin}: '${text}' is not an option`);
    }
    return { args: value === undefined ? [name] : [name, value], origin };
  });
}
