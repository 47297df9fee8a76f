import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import type { CommandModule } from "../cli/command.ts";
import type { Context } from "../cli/context.ts";
import { usageError } from "../errors.ts";
import { renderManual } from "../manual/render.ts";
import { EXIT } from "../report/exit-tables.ts";
import { columnsOf } from "../report/terminal.ts";
import { writePieces } from "../report/write.ts";

/** `qmtp man`: shows a man page of this package, because npm does not install man pages. */
export const man: CommandModule = { declare, read, run };

const EXAMPLES = `
Examples:
  qmtp man
  qmtp man send
  qmtp man qmail-qmtpc`;

interface ManRequest {
  readonly path: string;
  readonly source: string;
}

/** Asks for the page of what programs import. */
const LIBRARY = "library";

function declare(command: Command): void {
  command
    .argument("[command]", "a command, a launcher or 'library' (default: the overview, qmtp(1))")
    .addHelpText("after", EXAMPLES);
}

/** @throws {QmtpError} usage, if there is no page of this name */
function read(_: object, [name = "qmtp"]: readonly string[], { manualDirectory }: Context): ManRequest {
  // Commands without their own page are described in the overview.
  const pages = ["completion", "man", "help"].includes(name) ? ["qmtp"] : [`qmtp-${name}`, name];
  const files = name === LIBRARY ? ["qmtp.3"] : pages.flatMap((page) => [`${page}.1`, `${page}.8`]);
  const file = files.find((one) => !one.includes("/") && existsSync(`${manualDirectory}/${one}`));
  if (file === undefined) throw usageError(`no man page for '${name}'; qmtp --help lists the commands`);
  const path = `${manualDirectory}/${file}`;
  const source = readFileSync(path, "utf8");
  // A launcher's page only includes its command's.
  const [, other] = /^\.so (\S+)/m.exec(source) ?? [];
  if (other === undefined) return { path, source };
  const target = `${manualDirectory}/${basename(other)}`;
  return { path: target, source: readFileSync(target, "utf8") };
}

/** Shows the page with man(1), or as plain text if that is missing or fails. */
async function run({ path, source }: ManRequest, { stdout }: Context): Promise<number> {
  const { status } = spawnSync("man", [path], { stdio: ["inherit", "inherit", "ignore"] });
  if (status === 0) return EXIT.success;
  await writePieces(stdout, [renderManual(source, columnsOf(stdout))]);
  return EXIT.success;
}
