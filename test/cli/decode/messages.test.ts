import { existsSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { shell } from "../../support/processes.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { wirePackage } from "../../support/wire.ts";

const contents = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(`${folder}/${name}`, "latin1")]));

describe("--messages writes each message to a file", () => {
  test("with Unix line ends, also where a chunk ends in the middle of one", async () => {
    const folder = `${temporaryFolder()}/new`;
    const lines = "a\r\nb\rc\r\n".repeat(40_000);
    const input = Buffer.concat([
      wirePackage({ message: "one\n" }),
      wirePackage({ message: lines, encoding: "\r" }),
      wirePackage({ message: "raw\r\n" }),
      wirePackage({ message: "" }),
      wirePackage({ message: "ends in CR\r", encoding: "\r" }),
    ]);
    const { stdout, code } = await qmtp(["decode", "--messages", folder], { input });
    expect(code).toBe(0);
    expect(stdout).toContain(`written to ${folder}/message-1.eml\n`);
    expect(contents(folder)).toEqual({
      "message-1.eml": "one\n",
      "message-2.eml": lines.replaceAll("\r\n", "\n"),
      "message-3.eml": "raw\r\n",
      "message-4.eml": "",
      "message-5.eml": "ends in CR\r",
    });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(`${folder}/message-1.eml`).mode & 0o777).toBe(0o600);
  });

  test("that did not exist: numbers go on behind those that do", async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/message-1.eml`, "mine\n");
    writeFileSync(`${folder}/message-2.eml.part`, "mine, too\n");
    symlinkSync("nowhere", `${folder}/message-3.eml`);
    const input = Buffer.concat([wirePackage({ message: "1\n" }), wirePackage({ message: "2\n" })]);
    const { code } = await qmtp(["decode", "-q", "--messages", folder], { input });
    expect(code).toBe(0);
    rmSync(`${folder}/message-3.eml`);
    expect(contents(folder)).toEqual({
      "message-1.eml": "mine\n",
      "message-2.eml.part": "mine, too\n",
      "message-4.eml": "1\n",
      "message-5.eml": "2\n",
    });
  });

  test("which is marked as incomplete if not all of it came, or its length is wrong", async () => {
    const folder = temporaryFolder();
    const input = `3:\nhi\n,3:a@x,6:3:b@y,,${wirePackage({ message: "2\n" })}10:\nabc`;
    const { stdout, code } = await qmtp(["decode", "-q", "--messages", folder], { input });
    expect(code).toBe(1);
    expect(stdout.match(/incomplete, in .*/g)).toEqual([
      `incomplete, in ${folder}/message-1.eml.part`,
      `incomplete, in ${folder}/message-3.eml.part`,
    ]);
    expect(contents(folder)).toEqual({
      "message-1.eml.part": "hi",
      "message-2.eml": "2\n",
      "message-3.eml.part": "abc",
    });
  });

  test("and names it in JSON", async () => {
    const folder = temporaryFolder();
    const args = ["decode", "--json", "--messages", folder];
    const { stdout } = await qmtp(args, { input: wirePackage({ message: "1\n" }) });
    const objects = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(objects.find(({ event }) => event === "file")).toEqual({
      schema: 1,
      type: "decode",
      event: "file",
      file: "-",
      package: 1,
      path: `${folder}/message-1.eml`,
      complete: true,
    });
  });

  test("unless that is impossible, which ends the run", async () => {
    const folder = `${temporaryFolder()}/a/b`;
    const args = ["decode", "--messages", folder];
    const refused = await qmtp(args, { input: wirePackage({ message: "1\n" }) });
    const stderr = `qmtp: cannot write ${folder}: no such file or directory; name another folder\n`;
    expect(refused).toEqual({ code: 111, signal: null, stdout: "", stderr });
    expect(existsSync(folder)).toBe(false);
  });

  test("or becomes so, after what was decoded by then", async () => {
    const folder = temporaryFolder();
    const script = 'ulimit -f 8; trap "" XFSZ; "$QMTP" decode --messages mail packages 2>&1';
    writeFileSync(
      `${folder}/packages`,
      Buffer.concat([wirePackage({ message: "1\n" }), wirePackage({ message: "x".repeat(50_000) })]),
    );
    const run = await shell(`cd ${folder}; ${script}`);
    expect(run.code).toBe(111);
    expect(run.stdout).toContain("written to mail/message-1.eml\n");
    expect(run.stdout).toMatch(
      /qmtp: cannot write mail\/message-2.eml: file too large; name another folder\n$/,
    );
  });
});
