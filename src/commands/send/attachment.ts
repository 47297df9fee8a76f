import { statSync } from "node:fs";
import { basename } from "node:path";
import { systemCode, unreadableArgument, usageError } from "../../errors.ts";

/** A file to attach. */
export interface AttachmentRequest {
  /** `-` is standard input. */
  readonly path: string;
  /** The name that recipients see. */
  readonly name: string;
  /** Media type; if undefined, the one its name suggests. */
  readonly type: string | undefined;
}

/** A file, optionally in quotes, then parameters. Anything else after a semicolon belongs to the file's name. */
const FORM = /^(?:"((?:[^"\\]|\\.)*)"|(.*?))((?:; *(?:name|type)=(?:"(?:[^"\\]|\\.)*"|[^;"]*))*)$/s;
const PARAMETER = /; *(name|type)=(?:"((?:[^"\\]|\\.)*)"|([^;"]*))/gs;
/** A media type (RFC 2045, 5.1), optionally with parameters. */
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:; *[\w!#$&^.+-]+=(?:"[^"\\]*"|[\w!#$&^.+-]+))*$/;

/** The default name of an attachment from standard input. */
const UNNAMED = "attachment";

/**
 * Reads an attachment in the syntax of curl's `--form`: `file;name=...;type=...`. Values may be quoted.
 * @throws {QmtpError} usage, also if there is no such file
 */
export function readAttachment(text: string): AttachmentRequest {
  const [, quoted, bare = "", parameters = ""] = FORM.exec(text) ?? [];
  const path = quoted === undefined ? bare : unescaped(quoted);
  const given = new Map<string, string>();
  for (const [, key = "", inQuotes, plain = ""] of parameters.matchAll(PARAMETER)) {
    given.set(key, inQuotes === undefined ? plain.trim() : unescaped(inQuotes));
  }
  const [name, type] = [given.get("name"), given.get("type")];
  if (name !== undefined) checkName(name, text);
  if (type !== undefined) checkType(type);
  requireExisting(path);
  return { path, name: name ?? (path === "-" ? UNNAMED : basename(path)), type };
}

/**
 * Checks that a part of a composed message exists. If not, that is a usage error: unlike a message, it will not turn
 * up by a later run.
 * @throws {QmtpError} usage, if there is no such file
 */
export function requireExisting(path: string): void {
  if (path === "-") return;
  try {
    statSync(path);
  } catch (error) {
    const missing = ["ENOENT", "ENOTDIR"].includes(systemCode(error) ?? "");
    // Other errors are reported when the file is opened.
    if (missing) throw unreadableArgument(path, error);
  }
}

function unescaped(text: string): string {
  return text.replace(/\\(["\\])/g, "$1");
}

function checkName(name: string, text: string): void {
  if (name === "") throw usageError(`--attach '${text}' has an empty name; write 'file;name=...'`);
  if (/[\x00-\x1f\x7f]/.test(name)) throw usageError("--attach has a control character in a name; remove it");
  if (name.includes("\ufffd")) throw usageError("--attach is not valid UTF-8, as arguments must be");
}

/** Refuses message/ and multipart/: they must not be encoded (RFC 2045, 6.4), but files can contain any bytes. */
function checkType(type: string): void {
  if (MEDIA_TYPE.test(type) && !/^(message|multipart)\//i.test(type)) return;
  throw usageError(`--attach does not accept the type '${type}': write one such as text/csv`);
}
