import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { isInstalled, PROGRAMS } from "../support/installed.ts";
import { type Finished, finished, start, stopAll } from "../support/processes.ts";
import { type ReceivedPackage, startReceivingServer } from "../support/receiving-server.ts";
import { SENDMAIL } from "../support/sendmail.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

afterEach(stopAll);

const SELF = `${userInfo().username}@${hostname()}`;

/** Runs a program that hands its mail to qmtp-sendmail, in an empty home of its own. */
async function run(
  command: readonly string[],
  server: string,
  input = "",
  home = temporaryFolder(),
): Promise<Finished> {
  const [program = "", ...args] = command;
  const env = { PATH: PROGRAMS, HOME: home, LANG: "C.UTF-8", QMTP_SERVER: server, QMAILHOME: "/none" };
  const child = start(program, args, { cwd: home, env, stdio: "pipe" });
  child.stdin?.on("error", () => {});
  child.stdin?.end(input);
  return finished(child);
}

/** The header's lines, and the body. */
function parts({ message }: ReceivedPackage): { fields: string[]; body: string } {
  const text = message.toString();
  const end = text.indexOf("\n\n");
  return { fields: text.slice(0, end).split("\n"), body: text.slice(end + 2) };
}

/** Missing programs are reported; in CI they must be there. */
function wanted(program: string, aPackage: string, always = true): boolean {
  const missing = !isInstalled(program) && !(always && process.env.CI);
  if (missing) console.log(`skipped: ${program} over QMTP, without the Debian package ${aPackage}`);
  return !missing;
}

interface Program {
  readonly name: string;
  readonly here: boolean;
  /** Sends "hello" from standard input to b@y.example, with a blind copy to c@y.example. */
  readonly command: (home: string) => readonly string[];
}

const rc = (home: string, name: string, text: string) => {
  writeFileSync(`${home}/${name}`, text);
  return `${home}/${name}`;
};
const PHP = `mail("b@y.example", "a subject", "hello\\n", "Bcc: c@y.example") or exit(1);`;

const programs: readonly Program[] = [
  {
    name: "s-nail",
    here: wanted("s-nail", "s-nail"),
    command: () => [
      ...["s-nail", "-n", "-S", `mta=${SENDMAIL}`, "-S", "sendwait", "-s", "a subject"],
      ...["-b", "c@y.example", "b@y.example"],
    ],
  },
  {
    name: "bsd-mailx",
    here: wanted("bsd-mailx", "bsd-mailx"),
    command: (home) => {
      rc(home, ".mailrc", `set sendmail=${SENDMAIL}\nset sendwait\n`);
      return ["bsd-mailx", "-n", "-s", "a subject", "-b", "c@y.example", "b@y.example"];
    },
  },
  {
    name: "mutt",
    here: wanted("mutt", "mutt", false),
    command: (home) => [
      ...["mutt", "-n", "-F", rc(home, "rc", `set sendmail="${SENDMAIL} -oem -oi"\nset copy=no\n`)],
      ...["-s", "a subject", "-b", "c@y.example", "b@y.example"],
    ],
  },
  {
    name: "php",
    here: wanted("php", "php-cli", false),
    command: () => ["php", "-n", "-d", `sendmail_path=${SENDMAIL} -t -i`, "-r", PHP],
  },
];

describe.each(programs.filter(({ here }) => here))("$name", ({ command }) => {
  test("sends over QMTP, including to Bcc, which stays hidden", async () => {
    const [server, home] = [await startReceivingServer(), temporaryFolder()];
    const { code, stderr } = await run(command(home), server.endpoint, "hello\n", home);
    expect([code, stderr]).toEqual([0, ""]);
    expect(server.packages.length).toBe(1);
    const { sender, recipients, ...pkg } = server.packages[0] as ReceivedPackage;
    expect(sender).toBe(SELF);
    expect(recipients.toSorted()).toEqual(["b@y.example", "c@y.example"]);
    const { fields, body } = parts({ sender, recipients, ...pkg });
    expect(fields).toEqual(expect.arrayContaining(["To: b@y.example", "Subject: a subject"]));
    expect(fields.filter((field) => /^bcc/i.test(field))).toEqual([]);
    for (const name of ["Date", "From", "Message-ID"]) {
      expect(fields.filter((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`)).length).toBe(
        1,
      );
    }
    expect(body).toMatch(/^hello\n\n?$/);
  });

  test("reports a refusal", async () => {
    const server = await startReceivingServer("22:Dno such user (#5.1.1),");
    const home = temporaryFolder();
    const { code, stdout, stderr } = await run(command(home), server.endpoint, "hello\n", home);
    expect(stdout + stderr).toContain("b@y.example: failure: no such user (#5.1.1)");
    // bsd-mailx always exits 0.
    if (command(home)[0] !== "bsd-mailx") expect(code).not.toBe(0);
  });
});

const noGit = !(
  wanted("git", "git") &&
  wanted("../lib/git-core/git-send-email", "git-email") &&
  hasMailAddress()
);

/** git send-email reads addresses with a Perl module that its package only recommends. */
function hasMailAddress(): boolean {
  const { status } = spawnSync("perl", ["-MMail::Address", "-e", "1"]);
  if (status === 0 || process.env.CI) return true;
  console.log("skipped: git send-email over QMTP, without the Debian package libmailtools-perl");
  return false;
}

describe.skipIf(noGit)("git send-email", () => {
  const IDENTITY = ["-c", "user.name=Joe Doe", "-c", "user.email=joe@x.example"];

  async function repositoryWithPatch(): Promise<string> {
    const home = temporaryFolder();
    const git = async (...args: string[]) => {
      const { code, stderr } = await run(["git", ...IDENTITY, ...args], "", "", home);
      expect([code, stderr]).toEqual([0, ""]);
    };
    await git("init", "-q", "-b", "main");
    writeFileSync(`${home}/file`, "a line\n");
    await git("add", "file");
    await git("commit", "-q", "-m", "file: a first line\n\nNobody had one.");
    return home;
  }

  test("sends a patch over QMTP", async () => {
    const [server, home] = [await startReceivingServer(), await repositoryWithPatch()];
    const command = [
      ...["git", ...IDENTITY, "send-email", `--sendmail-cmd=${SENDMAIL}`, "--confirm=never", "--quiet"],
      ...["--to=b@y.example", "--bcc=c@y.example", "--suppress-cc=all", "-1"],
    ];
    const { code, stderr } = await run(command, server.endpoint, "", home);
    expect([code, stderr]).toEqual([0, ""]);
    const { sender, recipients, message } = server.packages[0] as ReceivedPackage;
    expect([sender, recipients.toSorted()]).toEqual([SELF, ["b@y.example", "c@y.example"]]);
    const { fields, body } = parts(server.packages[0] as ReceivedPackage);
    expect(fields).toEqual(
      expect.arrayContaining([
        "From: Joe Doe <joe@x.example>",
        "To: b@y.example",
        "Subject: [PATCH] file: a first line",
      ]),
    );
    expect(message.toString()).not.toContain("c@y.example");
    expect(body).toContain("\n+a line\n");
  });
});
