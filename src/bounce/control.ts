import { hostname } from "node:os";
import { readControlLine } from "../qmail/control.ts";

/** Who bounces are from, and who gets bounces of bounces (qmail-control(5)). */
export interface BounceControl {
  readonly from: { readonly local: Buffer; readonly host: Buffer };
  readonly doubleTo: { readonly local: Buffer; readonly host: Buffer };
}

/**
 * Reads qmail's control files, if there are any. Without `me`, this host's name is used.
 * @throws the system's error for a file that is there and cannot be read
 */
export function readBounceControl(home: string): BounceControl {
  const read = (name: string) => readControlLine(home, name);
  const me = read("me") ?? Buffer.from(hostname());
  return {
    from: { local: read("bouncefrom") ?? Buffer.from("MAILER-DAEMON"), host: read("bouncehost") ?? me },
    doubleTo: {
      local: read("doublebounceto") ?? Buffer.from("postmaster"),
      host: read("doublebouncehost") ?? me,
    },
  };
}
