import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { systemCode } from "../errors.ts";

/** Where qmail is, if nobody says otherwise. */
export const QMAIL_HOME = "/var/qmail";

/** Who bounces are from, and who gets those of bounces (qmail-control(5)). */
export interface BounceControl {
  readonly from: { readonly local: Buffer; readonly host: Buffer };
  readonly doubleTo: { readonly local: Buffer; readonly host: Buffer };
}

/**
 * Reads qmail's control files where there are some; without `me` it is this host's own name.
 * @throws the system's error for a file that is there and cannot be read
 */
export function readBounceControl(home: string): BounceControl {
  const read = (name: string) => firstLine(`${home}/control/${name}`);
  const me = read("me") ?? Buffer.from(hostname());
  return {
    from: { local: read("bouncefrom") ?? Buffer.from("MAILER-DAEMON"), host: read("bouncehost") ?? me },
    doubleTo: {
      local: read("doublebounceto") ?? Buffer.from("postmaster"),
      host: read("doublebouncehost") ?? me,
    },
  };
}

/** The first line without the blanks at its end, or undefined where there is none. */
function firstLine(path: string): Buffer | undefined {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
  const line = (text.split("\n", 1)[0] as string).replace(/[ \t\r\0]+$/, "");
  return line === "" ? undefined : Buffer.from(line, "latin1");
}
