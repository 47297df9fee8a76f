import { hostname, userInfo } from "node:os";
import { describe, expect, test } from "vitest";
import { arrived, COMPLETE, refused } from "../../support/sendmail.ts";

const HOST = hostname();
const SELF = `${userInfo().username}@${HOST}`;

describe("sendmail's flags are accepted, and the message is sent unchanged", () => {
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

  test("as cron, mutt, PHP and mailx pass them", async () => {
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
    ["-bs", "-bs is not supported, only -bm (send)"],
    ["-bp", "-bp is not supported, only -bm (send)"],
    ["-q", "unknown option '-q'; see qmtp-sendmail --help"],
    ["--bogus", "unknown option '--bogus'; see qmtp-sendmail --help"],
    ["-f", "option '-f <address>' needs a value; see qmtp-sendmail --help"],
  ])("but %s is wrong usage", async (flag, line) => {
    expect(await refused(["b@y", flag])).toEqual([64, line]);
  });
});

describe("the sender is", () => {
  test.each([
    ["from -f", ["-f", "a@x"], {}, "a@x"],
    ["from -r", ["-ra@x"], {}, "a@x"],
    ["from -f rather than QMTP_FROM", ["-fa@x"], { QMTP_FROM: "b@x" }, "a@x"],
    ["from QMTP_FROM", [], { QMTP_FROM: "b@x" }, "b@x"],
    ["the user who runs it", [], {}, SELF],
    ["the user who runs it if QMTP_FROM is empty", [], { QMTP_FROM: "" }, SELF],
    ["null when given as <>", ["-f", "<>"], {}, ""],
    ["null when given as an empty argument", ["-f", ""], {}, ""],
    ["null when QMTP_FROM is <>", [], { QMTP_FROM: "<>" }, ""],
    ["stripped of angle brackets", ["-f", "<a@x>"], {}, "a@x"],
    ["stripped of the display name", ["-f", "Joe <a@x>"], {}, "a@x"],
    ["stripped of quotes", ["-f", '"joe doe"@x'], {}, "joe doe@x"],
    ["at this host if no domain is given", ["-f", "joe"], {}, `joe@${HOST}`],
  ])("%s", async (_what, args, env, sender) => {
    expect((await arrived([...args, "b@y"], { env })).sender).toBe(sender);
  });

  test.each(["a@x, b@x", "a@x b@x", "Joe Doe", "(nobody)"])("refused if it is %j", async (from) => {
    expect((await refused(["-f", from, "b@y"]))[0]).toBe(64);
  });
});

describe("the recipients are", () => {
  const inHeader = (...lines: string[]) => COMPLETE.replace("Subject", `${lines.join("\n")}\nSubject`);

  test.each([
    ["the arguments, in order", ["c@y", "b@y"], [], "c@y b@y"],
    ["at this host if no domain is given", ["root"], [], `root@${HOST}`],
    ["parsed as in a header", ["Joe <c@y>, d@y", "<b@y>", '"joe,doe"@y'], [], "c@y d@y b@y joe,doe@y"],
    ["listed once", ["b@y", "c@y", "b@Y", "b@y"], [], "b@y c@y"],
    ["those in the header, with -t", ["-t"], ["To: b@y", "Bcc: c@y,", " d@y", "Cc: e@y"], "b@y c@y d@y e@y"],
    ["both, with -t, each once", ["-t", "c@y"], ["To: b@y, c@Y", "Cc: b@y"], "c@y b@y"],
    ["local names in the header, too", ["-t"], ["To: root, Joe <b@y>"], `root@${HOST} b@y`],
    ["the members of a group", ["-t"], ["To: all: b@y, c@y;", "Cc: undisclosed-recipients:;"], "b@y c@y"],
    ["those in Resent-To, if there is one", ["-t"], ["Resent-To: b@y", "Resent-From: a@x", "To: c@y"], "b@y"],
    ["not those in the header, without -t", ["b@y"], ["To: c@y", "Cc: d@y", "Bcc: e@y"], "b@y"],
  ])("%s", async (_what, args, lines, expected) => {
    const message = lines.length === 0 ? COMPLETE : inHeader(...lines);
    expect((await arrived(args, { message })).recipients).toEqual(expected.split(" "));
  });

  test.each<[what: string, args: string[], lines: string[], code: number, line: string | RegExp]>([
    ["none", [], [], 64, "no recipients: name them as arguments, or use -t"],
    ["none in the header", ["-t"], ["To: ,", "Cc: a:;"], 64, /^no recipients: the message names none in To/],
    [
      "an argument without an address",
      ["(b@y)"],
      [],
      64,
      "the recipient argument '(b@y)' contains no address",
    ],
    ["an empty argument", [""], [], 64, /^the recipient argument '' contains no address/],
    [
      "two with no comma between them",
      ["b@y c@y"],
      [],
      64,
      /^the recipient argument has 'b@y c@y', which is more than one/,
    ],
    [
      "a bare display name",
      ["Joe Doe"],
      [],
      64,
      "the recipient argument has 'Joe Doe', which is not an address",
    ],
    [
      "two with no comma between them in the header",
      ["-t"],
      ["To: b@y c@y"],
      65,
      /^the message's To has 'b@y c@y', which/,
    ],
    [
      "a header that is too long",
      ["-t"],
      [`To: b@y\nX: ${"x".repeat(10_000_000)}`],
      65,
      /longer than 8388608 bytes/,
    ],
  ])("refused: %s", async (_what, args, lines, code, line) => {
    const [actual, said] = await refused(args, { message: inHeader(...lines) });
    expect(actual).toBe(code);
    if (typeof line === "string") expect(said).toBe(line);
    else expect(said).toMatch(line);
  });
});
