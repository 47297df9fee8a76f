import type { Command } from "commander";
import {
  addGroup,
  choicesOption,
  countOption,
  listOption,
  option,
  secondsOption,
} from "../../cli/options/kinds.ts";
import { declareTlsFiles } from "../../cli/options/tls.ts";
import { MISBEHAVIOURS } from "../../sink/misbehaviour.ts";

/** Not QMTP's own port, which needs root and may belong to a real server. */
export const SINK_PORT = 2_090;

/** Within the range of Node's timers, 31 bits. */
const MAX_DELAY_MS = 2_000_000_000;

export const MAX_SEED = 2 ** 32 - 1;

const HELP = `
Faults:
${Object.entries(MISBEHAVIOURS)
  .map(([name, what]) => `  ${name.padEnd(23)}${what}`)
  .join("\n")}

Examples:
  qmtp sink --maildir ./mail
  qmtp sink --listen qmtps://127.0.0.1:0 --cert cert.pem --key key.pem --json
  qmtp sink --listen unix:/tmp/qmtp.sock --fault close-mid-response --exit-after 1
  qmtp sink --fault reset --fault drip --fault-rate 10 --seed 1`;

export function declare(command: Command): void {
  addGroup(command, "listening", [
    option(
      "--listen <endpoint>",
      "where to listen: host:port (port 0 picks a free one), qmtps://host:port (TLS), unix:/path, or ucspi: " +
        "(standard input and output, under tcpserver)",
    ).default(`127.0.0.1:${SINK_PORT}`, `127.0.0.1:${SINK_PORT}`),
    secondsOption("--timeout <s>", "drop a client after this many idle seconds", 600),
    countOption("--exit-after <n>", "stop after n packages", 1),
  ]);
  addGroup(command, "accepting", [
    option("--maildir <dir>", "store each accepted message in this maildir, once per recipient"),
    listOption(
      "--reject <regex>",
      "refuse matching recipients (RE2 syntax; checked before --defer); '^x@: no such user' adds the text",
    ),
    listOption("--defer <regex>", "defer matching recipients, likewise"),
    countOption("--max-bytes <n>", "refuse messages of more than n bytes", 0),
    countOption("--max-recipients <n>", "refuse all but the first n recipients of a package", 1).default(
      100_000,
    ),
  ]);
  addGroup(command, "misbehaving", [
    countOption("--delay <ms>", "wait this many milliseconds before each answer", 0, MAX_DELAY_MS).default(0),
    choicesOption("--fault <name>", "misbehave (see Faults)", Object.keys(MISBEHAVIOURS)),
    countOption("--fault-rate <percent>", "the chance of each fault, each time (default: 100)", 0, 100),
    countOption("--seed <n>", "repeat the faults of the run with this seed (default: random)", 0, MAX_SEED),
  ]);
  declareTlsFiles(command, "require client certificates of these issuers, in PEM");
  addGroup(command, "output", [
    option("--json", "print one JSON object per package instead of a line"),
    option("-q, --quiet", "print no line per package, but totals at the end and on SIGUSR1"),
  ]);
  command.addHelpText("after", HELP);
}
