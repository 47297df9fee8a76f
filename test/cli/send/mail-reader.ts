import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { isInstalled } from "../../support/installed.ts";

/** A part of a message, with its content decoded. */
export interface ReadPart {
  readonly type: string;
  readonly charset: string | null;
  readonly disposition: string | null;
  readonly filename: string | null;
  readonly content: Buffer;
}

/** A message as a mail program shows it. */
export interface ReadMail {
  readonly type: string;
  /** Names in lower case and decoded values, in order. */
  readonly fields: ReadonlyArray<readonly [name: string, value: string]>;
  /** The leaf parts, in order. */
  readonly parts: readonly ReadPart[];
  /** Addresses of From, To, Cc and Reply-To: name, local part, domain. */
  readonly addresses: Readonly<Record<string, ReadonlyArray<readonly [string, string, string]>>>;
  /** Violations of the standards. */
  readonly defects: readonly string[];
}

const READER = `
import sys, json, base64, email
from email import policy
mail = email.message_from_binary_file(sys.stdin.buffer, policy=policy.default)
parts, defects = [], [repr(one) for one in mail.defects]
for name, value in mail.items(): defects += [f"{name}: {one!r}" for one in value.defects]
for part in mail.walk():
    defects += [repr(one) for one in part.defects]
    if part.is_multipart(): continue
    parts.append(dict(type=part.get_content_type(), charset=part.get_content_charset(),
        disposition=part.get_content_disposition(), filename=part.get_filename(),
        content=base64.b64encode(part.get_payload(decode=True)).decode()))
addresses = {}
for name in ("from", "to", "cc", "reply-to"):
    if name in mail:
        addresses[name] = [[one.display_name, one.username, one.domain] for one in mail[name].addresses]
json.dump(dict(type=mail.get_content_type(), parts=parts, addresses=addresses, defects=defects,
    fields=[[name.lower(), str(value)] for name, value in mail.items()]), sys.stdout)
`;

/** Debian's python3 if it is there: a wrapper earlier in PATH may be slow to start. */
const PYTHON = existsSync("/usr/bin/python3") ? "/usr/bin/python3" : "python3";

const missing = !isInstalled("python3");

/** Whether to skip tests that read mail, with a note. In CI they fail instead. */
export function skipsMailReader(what: string): boolean {
  if (!missing || process.env.CI) return false;
  console.log(`skipped: ${what} (needs the Debian package python3)`);
  return true;
}

/** Parses a message with Python's email package, which shares no code with what is tested. */
export function readMail(bytes: Uint8Array): ReadMail {
  const json = execFileSync(PYTHON, ["-c", READER], {
    input: bytes,
    encoding: "utf8",
    maxBuffer: 128 * 1024 * 1024,
  });
  const mail = JSON.parse(json) as Omit<ReadMail, "parts"> & {
    parts: Array<Omit<ReadPart, "content"> & { content: string }>;
  };
  return {
    ...mail,
    parts: mail.parts.map((part) => ({ ...part, content: Buffer.from(part.content, "base64") })),
  };
}

/** The content of a message's only part in base64. Python would take seconds for tens of megabytes. */
export function base64PartOf(message: Buffer): Buffer {
  const part = /\nContent-Transfer-Encoding: base64\n(?:.+\n)*\n([A-Za-z0-9+/=\n]+)\n--/i;
  const [, coded] = part.exec(message.toString("latin1")) ?? [];
  if (coded === undefined) throw new Error("no part is in base64");
  return Buffer.from(coded, "base64");
}

/** The values of a field, decoded. */
export function valuesOf(mail: ReadMail, name: string): string[] {
  return mail.fields.filter(([one]) => one === name.toLowerCase()).map(([, value]) => value);
}
