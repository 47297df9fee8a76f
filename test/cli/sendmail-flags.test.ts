import { hostname, userInfo } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { stopAll } from "../processes.ts";
import { arrived, COMPLETE, refused } from "./sendmail-case.ts";

afterEach(stopAll);

const HOST = hostname();
const SELF = `${userInfo().username}@${HOST}`;

describe("sendmail's flags are taken, and the message goes out as it is", () => {
  const DOT = COMPLETE.replace("hi\n", "hi\n.\nmore\n");

  test.each([
    "-i",
    "-oi",
    "-o i",
    "-oi -oem -odb",
    "-bm -i",
    "-b m -i",
    "-i -v",
    "-im",
    "-in",
    "-i -B8BITMIME",
    "-i -B 8BITMIME",
    "-i -N never",
    "-i -Nfailure,delay",
    "-i -R hdrs",
    "-i -V id",
    "-i -Vid",
    "-i -h 5",
    "-i -h5",
    "-i -L tag",
    "-i -O opt=val",
    "-i -Oopt=val",
    "-i -em",
    "-i -e m",
    "-i -G -U -Am",
    "-iv --",
    "-FName -i",
    "-F Name -i",
  ])("%s", async (flags) => {
    const { message, recipients } = await arrived(["-fa@x", ...flags.split(" "), "b@y"], { message: DOT });
    expect([message.toString(), recipients]).toEqual([DOT, ["b@y"]]);
  });

  test("as cron, mutt, PHP and mailx give them", async () => {
    const cron = await arrived(["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"]);
    expect([cron.sender, cron.recipients]).toEqual([SELF, [`root@${HOST}`]]);
    const mutt = await arrived([
      "-oem",
      "-oi",
      "-N",
      "failure,delay",
      "-R",
      "hdrs",
      "-f",
      "a@x",
      "--",
      "b@y",
      "c@y",
    ]);
    expect([mutt.sender, mutt.recipients]).toEqual(["a@x", ["b@y", "c@y"]]);
    const message = COMPLETE.replace("Subject", "To: b@y\nSubject");
    const php = await arrived(["-t", "-i", "-fa@x"], { message });
    expect([php.sender, php.recipients]).toEqual(["a@x", ["b@y"]]);
    for (const flags of [["-ti"], ["-it"], ["-t", "-oi"]]) {
      expect((await arrived(flags, { message })).recipients).toEqual(["b@y"]);
    }
  });

  test.each([
    ["-bs", "-bs is not for this program, which only sends: -bm"],
    ["-bp", "-bp is not for this program, which only sends: -bm"],
    ["-q", "unknown option '-q'; see qmtp sendmail --help"],
    ["--bogus", "unknown option '--bogus'; see qmtp sendmail --help"],
    ["-f", "option '-f <address>' argument missing; see qmtp sendmail --help"],
  ])("but not %s, which is wrong usage", async (flag, line) => {
    expect(await refused(["b@y", flag])).toEqual([64, line]);
  });
});

describe("the sender is", () => {
  test.each([
    ["that of -f", ["-f", "a@x"], {}, "a@x"],
    ["that of -r", ["-ra@x"], {}, "a@x"],
    ["that of -f before QMTP_FROM", ["-fa@x"], { QMTP_FROM: "b@x" }, "a@x"],
    ["that of QMTP_FROM", [], { QMTP_FROM: "b@x" }, "b@x"],
    ["whoever runs it", [], {}, SELF],
    ["whoever runs it, where QMTP_FROM is empty", [], { QMTP_FROM: "" }, SELF],
    ["nobody, as <>", ["-f", "<>"], {}, ""],
    ["nobody, as an empty argument", ["-f", ""], {}, ""],
    ["nobody, in QMTP_FROM", [], { QMTP_FROM: "<>" }, ""],
    ["without angle brackets", ["-f", "<a@x>"], {}, "a@x"],
    ["without a name", ["-f", "Joe <a@x>"], {}, "a@x"],
    ["without quotes", ["-f", '"joe doe"@x'], {}, "joe doe@x"],
    ["of this host, where no domain is named", ["-f", "joe"], {}, `joe@${HOST}`],
  ])("%s", async (_what, args, env, sender) => {
    expect((await arrived([...args, "b@y"], { env })).sender).toBe(sender);
  });

  test.each(["a@x, b@x", "a@x b@x", "Joe Doe", "(nobody)"])("one, and not %j", async (from) => {
    expect((await refused(["-f", from, "b@y"]))[0]).toBe(64);
  });
});

describe("the recipients are", () => {
  const inHeader = (...lines: string[]) => COMPLETE.replace("Subject", `${lines.join("\n")}\nSubject`);

  test.each([
    ["arguments, in their order", ["c@y", "b@y"], [], "c@y b@y"],
    ["of this host, where no domain is named", ["root"], [], `root@${HOST}`],
    ["written as in a header", ["Joe <c@y>, d@y", "<b@y>", '"joe,doe"@y'], [], "c@y d@y b@y joe,doe@y"],
    ["there once", ["b@y", "c@y", "b@Y", "b@y"], [], "b@y c@y"],
    ["those of the header, with -t", ["-t"], ["To: b@y", "Bcc: c@y,", " d@y", "Cc: e@y"], "b@y c@y d@y e@y"],
    ["both, with -t, and nobody twice", ["-t", "c@y"], ["To: b@y, c@Y", "Cc: b@y"], "c@y b@y"],
    ["words of the header, too", ["-t"], ["To: root, Joe <b@y>"], `root@${HOST} b@y`],
    ["of a group", ["-t"], ["To: all: b@y, c@y;", "Cc: undisclosed-recipients:;"], "b@y c@y"],
    ["those to whom it is sent on", ["-t"], ["Resent-To: b@y", "Resent-From: a@x", "To: c@y"], "b@y"],
    ["not those of the header, without -t", ["b@y"], ["To: c@y", "Cc: d@y", "Bcc: e@y"], "b@y"],
  ])("%s", async (_what, args, lines, expected) => {
    const message = lines.length === 0 ? COMPLETE : inHeader(...lines);
    expect((await arrived(args, { message })).recipients).toEqual(expected.split(" "));
  });

  test.each<[what: string, args: string[], lines: string[], code: number, line: string | RegExp]>([
    ["nobody", [], [], 64, "no recipients: name them as arguments, or use -t"],
    [
      "nobody in the header",
      ["-t"],
      ["To: ,", "Cc: a:;"],
      64,
      /^no recipients: the message names none in To/,
    ],
    ["nobody in an argument", ["(b@y)"], [], 64, "the recipient argument '(b@y)' holds no address"],
    ["an empty argument", [""], [], 64, /^the recipient argument '' holds no address/],
    [
      "two without a comma",
      ["b@y c@y"],
      [],
      64,
      /^the recipient argument has 'b@y c@y', which is more than one/,
    ],
    ["a name alone", ["Joe Doe"], [], 64, "the recipient argument has 'Joe Doe', which is no address"],
    [
      "two without a comma in the header",
      ["-t"],
      ["To: b@y c@y"],
      65,
      /^the message's to field has 'b@y c@y', which/,
    ],
    [
      "a header that is too long",
      ["-t"],
      [`To: b@y\nX: ${"x".repeat(10_000_000)}`],
      65,
      /longer than 8388608 bytes/,
    ],
  ])("never %s", async (_what, args, lines, code, line) => {
    const [actual, said] = await refused(args, { message: inHeader(...lines) });
    expect(actual).toBe(code);
    if (typeof line === "string") expect(said).toBe(line);
    else expect(said).toMatch(line);
  });
});
