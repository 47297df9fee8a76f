import { afterEach, describe, expect, test } from "vitest";
import { isInstalled } from "../../support/installed.ts";
import { environment, finished, LAUNCHER, qmtp, start, stopAll } from "../../support/processes.ts";
import { skip } from "../../support/skip.ts";

afterEach(stopAll);

/** Runs `qmtp man` without man(1) on the path. */
function plain(...args: string[]) {
  const env = environment({ PATH: "/nonexistent" });
  return finished(start(process.execPath, [LAUNCHER, "man", ...args], { env, stdio: "pipe" }));
}

describe("qmtp man", () => {
  test.each([
    [[], "QMTP(1)"],
    [["send"], "QMTP-SEND(1)"],
    [["maildir"], "QMTP-MAILDIR(1)"],
    [["qmtp-sink"], "QMTP-SINK(1)"],
    [["maildirqmtp"], "QMTP-MAILDIR(1)"],
    [["qmail-qmtpc"], "QMTP-QUEUE(1)"],
    [["qmtp-sendmail"], "QMTP-SENDMAIL(1)"],
    [["completion"], "QMTP(1)"],
    [["library"], "QMTP(3)"],
  ])("%j prints the page as plain text if there is no man(1)", async (args, title) => {
    const { code, stdout, stderr } = await plain(...args);
    expect([code, stderr]).toEqual([0, ""]);
    const [first = ""] = stdout.split("\n", 1);
    expect(first).toMatch(
      new RegExp(`^${title.replace(/[()]/g, "\\$&")}.*${title.replace(/[()]/g, "\\$&")}$`),
    );
    expect(first.length).toBe(80);
    expect(stdout).toContain("\nEXAMPLES\n");
    // No mdoc(7) macro and no control character is left.
    expect(stdout).not.toMatch(/^\.[A-Z][a-z]/m);
    expect(stdout).not.toMatch(/[^\n\x20-\x7e]/);
  });

  test("uses man(1) if it works", async (context) => {
    if (!isInstalled("man") || !isInstalled("groff")) {
      skip(context, "man is not installed: install the Debian packages man-db and groff-base");
    }
    const { code, stdout, stderr } = await qmtp(["man", "qmail-qmtpc"], { env: { MANWIDTH: "100" } });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^QMTP-QUEUE\(1\)/);
    expect(stdout).not.toBe((await plain("queue")).stdout);
  });

  test.each(["nosuch", "../package", ""])(
    "says that there is no page %j, with exit code 100",
    async (name) => {
      const stderr = `qmtp: no man page for '${name}'; qmtp --help lists the commands\n`;
      expect(await plain(name)).toEqual({ code: 100, signal: null, stdout: "", stderr });
    },
  );
});
