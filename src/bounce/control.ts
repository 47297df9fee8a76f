import { hostname } from "node:os";
import { readControlLine } from "../qmail/control.ts";

/** The sender of bounces, and the recipient of double bounces (qmail-control(5)). */
export interface BounceControl {
  readonly from: { readonly local: Buffer; readonly host: Buffer };
  readonly doubleTo: { readonly local: Buffer; readonly host: Buffer };
}

/**
 * Reads qmail's control files, if there are any. Without `me`, uses this host's name.
 * @throws {QmtpError} unreadable-configuration
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
