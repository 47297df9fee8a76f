import type { CommandModule } from "../../cli/command.ts";
import { declare } from "./declare.ts";
import { read } from "./read.ts";
import { runCheck } from "./run.ts";

/** `qmtp check`: which requirements of the protocol a server keeps. */
export const check: CommandModule = { declare, read, run: runCheck };
