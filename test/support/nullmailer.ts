import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { environment, type Finished, finished, start } from "./processes.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export const NULLMAILER_QMTP = new URL("../../bin/nullmailer-qmtp", import.meta.url).pathname;

/** Where Debian's package is unpacked, or the root folder if it is installed. */
const ROOT = process.env.QMTP_TEST_NULLMAILER ?? "";
const PROGRAMS = ["usr/sbin/nullmailer-queue", "usr/sbin/nullmailer-send", "usr/bin/nullmailer-dsn"];

/** Without nullmailer, tests that need it are skipped, with a note. In CI they fail instead. */
export function skipsNullmailer(what: string): boolean {
  const missing = PROGRAMS.some((path) => !existsSync(`${ROOT}/${path}`)) && !process.env.CI;
  if (missing) {
    console.log(
      `skipped: ${what} (needs the Debian package nullmailer, also unpacked in $QMTP_TEST_NULLMAILER)`,
    );
  }
  return missing;
}

export interface Nullmailer {
  /** Puts a message into the queue, as a user's sendmail does. */
  queue(recipients: readonly string[], message?: string): void;
  /** Lets nullmailer-send go through the queue once. */
  send(env?: Record<string, string>): Promise<Finished>;
  /** The files in the queue, or among those given up. */
  files(folder: "queue" | "failed"): string[];
  configure(name: string, content: string): void;
}

/**
 * Debian's nullmailer with folders of its own, for which it has a variable.
 * @param remotes where it sends, as in its file of that name
 * @param module what it runs for the protocol `qmtp`
 */
export function startNullmailer(remotes: string, module = NULLMAILER_QMTP): Nullmailer {
  const home = temporaryFolder();
  for (const folder of ["conf", "protocols", "sbin", "bin", "queue/queue", "queue/tmp", "queue/failed"])
    mkdirSync(`${home}/${folder}`, { recursive: true });
  for (const path of PROGRAMS) {
    const copy = `${home}/${path.replace("usr/", "")}`;
    copyFileSync(`${ROOT}/${path}`, copy);
    // Without the bit that gives it another user's rights, it honours the variable.
    chmodSync(copy, 0o755);
  }
  spawnSync("mkfifo", [`${home}/queue/trigger`]);
  symlinkSync(module, `${home}/protocols/qmtp`);
  const configure = (name: string, content: string) => writeFileSync(`${home}/conf/${name}`, content);
  configure("pausetime", "0\n");
  configure("remotes", remotes);
  writeFileSync(`${home}/mailname`, "me.example.net\n");
  const variable = { NULLMAILER_TEST_PREFIX: home };
  return {
    configure,
    queue: (recipients, message = "Subject: hi\n\nhello\n") => {
      const input = ["a@example.net", ...recipients, "", message].join("\n");
      const env = environment(variable);
      const { status, stderr } = spawnSync(`${home}/sbin/nullmailer-queue`, { input, env, encoding: "utf8" });
      if (status !== 0) throw new Error(`nullmailer-queue: ${stderr}`);
    },
    send: (env = {}) =>
      finished(
        start(`${home}/sbin/nullmailer-send`, [], {
          env: environment({ ...variable, ...env }),
          stdio: ["ignore", "pipe", "pipe"],
        }),
      ),
    files: (folder) =>
      readdirSync(`${home}/queue/${folder}`)
        .toSorted()
        .map((name) => readFileSync(`${home}/queue/${folder}/${name}`, "latin1")),
  };
}
