import { readSync } from "node:fs";
import type { ConfiguredOption } from "../../cli/command.ts";
import { QmtpError, reason } from "../../errors.ts";

const OPTIONS = 0;
/** Far more than a line of nullmailer's `remotes` has, in bytes. */
const MAX_BYTES = 65_536;
const CHUNK = 4_096;

/** What nullmailer calls options that have another name here. */
const NAMES: Readonly<Record<string, string>> = {
  host: "server",
  ssl: "tls",
  source: "source-ip",
  x509cafile: "cacert",
  x509certfile: "cert",
  x509keyfile: "key",
};

const ORIGIN = "nullmailer's options";

/**
 * The options on descriptor 0: a line for each, `name` or `name=value`, and an empty one.
 * @throws {QmtpError} unreadable-configuration
 */
export function optionsFromNullmailer(): ConfiguredOption[] {
  const lines = readOptions().split("\n");
  const end = lines.indexOf("");
  return lines.slice(0, end).map((line) => {
    const [, name = "", value] = /^(?:--)?([^=]+)(?:=(.*))?$/s.exec(line) ?? [];
    if (name === "") throw bad(`${ORIGIN}: '${line}' is not an option`);
    const flag = `--${NAMES[name] ?? name}`;
    return { args: [value === undefined ? flag : `${flag}=${value}`], origin: ORIGIN };
  });
}

/** Up to the empty line: what comes after it is not ours. */
function readOptions(): string {
  let text = "";
  const buffer = Buffer.alloc(CHUNK);
  while (!text.startsWith("\n") && !text.includes("\n\n")) {
    const length = readChunk(buffer);
    text += buffer.toString("latin1", 0, length);
    if (length === 0) throw bad("the options on descriptor 0 do not end with an empty line");
    if (text.length > MAX_BYTES) throw bad(`the options on descriptor 0 have more than ${MAX_BYTES} bytes`);
  }
  return Buffer.from(text, "latin1").toString();
}

function readChunk(buffer: Buffer): number {
  try {
    return readSync(OPTIONS, buffer);
  } catch (error) {
    throw bad(`cannot read the options on descriptor 0: ${reason(error)}`);
  }
}

function bad(why: string): QmtpError {
  return new QmtpError("unreadable-configuration", why);
}
