import { accessSync, constants, statSync } from "node:fs";
import { reason } from "../errors.ts";
import { onAbort } from "../io/abort.ts";
import type { Environment } from "../io/environment.ts";
import { qmailHome } from "./control.ts";

/** Set for the program that delivers by SMTP: if it is set for us, we are that program. */
const MARK = "QMTP_REMOTE_SMTP";

/** qmail-remote(8), which delivers by SMTP. */
export class SmtpRemote {
  readonly #env: Environment;
  readonly #program: string;

  constructor(env: Environment) {
    this.#env = env;
    this.#program = env.QMTP_SMTP_REMOTE || `${qmailHome(env)}/bin/qmail-remote`;
  }

  /** Why it cannot run, or undefined. */
  get problem(): string | undefined {
    const cannot = `cannot deliver by SMTP: ${this.#program}`;
    if (this.#env[MARK]) return `${cannot} is qmtp-remote itself; name qmail-remote in QMTP_SMTP_REMOTE`;
    try {
      accessSync(this.#program, constants.X_OK);
      return statSync(this.#program).isFile() ? undefined : `${cannot} is not a program`;
    } catch (error) {
      return `${cannot}: ${reason(error)}; name qmail-remote in QMTP_SMTP_REMOTE`;
    }
  }

  /**
   * Runs it on our descriptors.
   * @param signal asks it to exit
   * @returns its exit code, or undefined if it has none
   */
  async run(args: readonly string[], signal: AbortSignal): Promise<number | undefined> {
    const { spawn } = await import("node:child_process");
    return new Promise((resolve) => {
      const child = spawn(this.#program, args, { env: { ...this.#env, [MARK]: "1" }, stdio: "inherit" });
      const stopListening = onAbort(signal, () => child.kill("SIGTERM"));
      const ended = (code: number | undefined) => {
        stopListening();
        resolve(code);
      };
      child.once("error", () => ended(undefined));
      child.once("exit", (code) => ended(code ?? undefined));
    });
  }
}
