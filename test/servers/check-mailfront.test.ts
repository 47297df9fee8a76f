import { afterEach, describe, expect, test } from "vitest";
import { codeOf, readme } from "../docs/documents.ts";
import { qmtp } from "../support/in-process.ts";
import { skipsRealServers, startMailfront } from "../support/mailfront.ts";
import { stopAll } from "../support/processes.ts";

afterEach(stopAll);

const what = "qmtp check of a real server";
const REFUSED = "refused@example.org";

/** By hand, from what mailfront 2.12 does: every case that is not a pass. */
const FINDINGS: Readonly<Record<string, string>> = {
  // It refuses the encoding dos before the message has come.
  "2/silent-in-message": "fail",
  // One response for a package, however many recipients it has.
  "2/one-response-each": "fail",
  "2/same-address-twice": "fail",
  "4/many-recipients": "fail",
  // The order cannot be seen in one response.
  "2/order": "unclear",
  // "Cannot handle non-LF line terminator".
  "4/encoding-dos": "fail",
  "4/no-recipients": "fail",
  // Digits are added up until the colon, in 64 bits.
  "6/leading-zero-message": "fail",
  "6/leading-zero-sender": "fail",
  "6/leading-zero-list": "fail",
  "6/leading-zero-recipient": "fail",
  "6/empty-length-sender": "fail",
  "6/empty-length-recipient": "fail",
  "6/length-64-bits": "fail",
  // Not asked for.
  "4/large-message": "skip",
  "7/idle-time": "skip",
  "7/tls-versions": "skip",
  "7/certificate-name": "skip",
  "7/certificate-chain": "skip",
  "7/certificate-days": "skip",
  "7/no-clear-text": "skip",
  "7/handshake-cut": "skip",
};

describe.skipIf(skipsRealServers(what))(what, () => {
  test("finds in mailfront what is known about it, and nothing else", async () => {
    const server = await startMailfront(REFUSED);
    const args = [
      "--to",
      "check@example.org",
      "--refused",
      REFUSED,
      "--inbox",
      server.folder,
      "--timeout",
      "2",
    ];
    const { stdout, code } = await qmtp(["check", "--json", "-s", server.endpoint, ...args]);
    const cases: { id: string; verdict: string }[] = JSON.parse(stdout).cases;
    const others = cases.filter(({ verdict }) => verdict !== "pass").map(({ id, verdict }) => [id, verdict]);
    expect(Object.fromEntries(others)).toEqual(FINDINGS);
    expect(code).toBe(1);
  }, 60_000);

  test("prints what the README shows", async () => {
    const server = await startMailfront();
    const shown = codeOf(readme).blocks.find((block) => block.startsWith("$ qmtp check")) ?? "";
    const [command = "", ...output] = shown.replaceAll("\\\n", "").split("\n");
    const args = command.replace("-s 127.0.0.1", `-s ${server.endpoint} --timeout 1`).split(/ +/).slice(2);
    const { stdout, stderr } = await qmtp(args);
    const comparable = (text: string) =>
      text.replaceAll(/ \(\d+ ms\)| \(\d+\.\d s\)/g, "").replaceAll(/for \d+ s/g, "for N s");
    expect(comparable(stderr + stdout)).toBe(comparable(output.join("\n")));
  });
});
