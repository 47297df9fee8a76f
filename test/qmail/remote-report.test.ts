import { describe, expect, test } from "vitest";
import type { Delivery } from "../../src/protocol/delivery.ts";
import { remoteReport, verdict } from "../../src/qmail/remote-report.ts";
import { rspawn } from "../support/remote.ts";

const STATUS = { K: "success", Z: "deferral", D: "failure" } as const;

/** `Kok`: a response; `?text`: no response came, and `!text`: none, but the server had the package. */
function deliveries(...texts: string[]): Delivery[] {
  return texts.map((text) => {
    const ours = "?!".includes(text[0] as string);
    return {
      recipient: Buffer.from("b@example.org"),
      status: ours ? "deferral" : STATUS[text[0] as "K"],
      text: Buffer.from(text.slice(1), "latin1"),
      origin: ours ? "client" : "server",
      possibleDuplicate: text[0] === "!",
    };
  });
}

const IP = "192.0.2.1";
const report = (...texts: string[]) => remoteReport(deliveries(...texts), IP);
const giving = `Giving up on ${IP}.\n\0`;
const dislike = (letter: string, said: string) =>
  `${letter}${IP} does not like recipient.\nRemote host said: ${said}\n\0`;
const accepted = (said: string) => `K${IP} accepted message.\nRemote host said: ${said}\n\0`;

describe("the records of", () => {
  test.each([
    ["a success", ["Kok 1 qp 2"], `r\0${accepted("ok 1 qp 2")}`],
    ["a failure", ["Dno such user"], `${dislike("h", "no such user")}D${giving}`],
    ["a deferral", ["Zlater"], `${dislike("s", "later")}Z${giving}`],
    [
      "no response",
      ["?connection closed"],
      `sConnected to ${IP} but connection closed. (#4.4.2)\n\0Z${giving}`,
    ],
    [
      "a lost response",
      ["!connection closed"],
      `sConnected to ${IP} but connection closed. Possible duplicate! (#4.4.2)\n\0Z${giving}`,
    ],
    [
      "several",
      ["Dno", "Kok 1", "Zlater", "Kok 2"],
      `${dislike("h", "no")}r\0${dislike("s", "later")}r\0${accepted("ok 1")}`,
    ],
    ["failures and a deferral", ["Dno", "Zlater"], `${dislike("h", "no")}${dislike("s", "later")}Z${giving}`],
    ["failures", ["Dno", "Dnever"], `${dislike("h", "no")}${dislike("h", "never")}D${giving}`],
  ])("%s", (_, texts, expected) => {
    expect(report(...texts)).toBe(expected);
  });
});

describe("qmail-rspawn reads", () => {
  test.each([
    ["a success", "Kok 1", `K${IP} accepted message.\nRemote host said: ok 1\n`],
    ["a failure", "Dno", `D${IP} does not like recipient.\nRemote host said: no\nGiving up on ${IP}.\n`],
    [
      "a deferral",
      "Zlater",
      `Z${IP} does not like recipient.\nRemote host said: later\nGiving up on ${IP}.\n`,
    ],
    ["no response", "?reset", `ZConnected to ${IP} but reset. (#4.4.2)\nGiving up on ${IP}.\n`],
  ])("%s", (_, text, expected) => {
    expect(rspawn(report(text), 0)).toBe(expected);
  });

  test.each([
    ["a record that seems to end", "D\0Kok\n\0", "D", "?Kok??"],
    ["a record that seems to begin", "Z\0Dgone\0", "Z", "?Dgone?"],
    ["lines", "Dno\nKok\r\n", "D", "no?Kok??"],
    ["other bytes", "Kok \x1b[31m\xe4\xff\x7f\t", "K", "ok ?[31m????"],
    ["nothing", "K", "K", ""],
    ["the letters of records", "DKZDrhs", "D", "KZDrhs"],
  ])("a server's text with %s as text", (_, text, letter, said) => {
    const output = report(text);
    expect(output).toMatch(/^[\x20-\x7e\n\0]*$/);
    const read = rspawn(output, 0);
    expect(read[0]).toBe(letter);
    expect(read).toContain(`Remote host said: ${said}\n`);
  });

  test("a text of 65536 bytes, cut", () => {
    const output = report(`D${"x".repeat(65_536)}`);
    expect(output.length).toBeLessThan(2_200);
    expect(rspawn(output, 0)[0]).toBe("D");
  });

  test("the verdict on a message that no server saw", () => {
    expect(rspawn(verdict("Z", "no\0t\nnow"), 0)).toBe("Zno?t?now\n");
    expect(rspawn(verdict("D", "never"), 0)).toBe("Dnever\n");
  });
});
