import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { BatchedStore } from "../../src/maildir/batched.ts";
import { createMaildir } from "../../src/maildir/store.ts";
import type { Misbehaviour } from "../../src/sink/misbehaviour.ts";
import { connectionPair } from "../session/pair.ts";
import { type Behaviour, startConversation } from "../session/sending.ts";

/** What a client gets that sends these pieces, each once the one before was read, and closes. */
async function answerTo(pieces: readonly string[], behaviour: Behaviour): Promise<string> {
  const { client, server } = connectionPair();
  const done = startConversation(server, behaviour);
  for (const piece of pieces) {
    client.write(Buffer.from(piece, "latin1"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.end();
  const received: Buffer[] = [];
  for await (const chunk of client) received.push(chunk);
  await done;
  const text = Buffer.concat(received).toString("latin1");
  return text.replaceAll(/ok \d{10} qp/g, "ok TIME qp");
}

const OK = "19:Kok TIME qp 1,";
const ok = (number: number) => OK.replace("qp 1", `qp ${number}`);
const FROM_A = "3:\nhi,3:a@x,6:3:b@y,,";
const TWO = "3:\nhi,3:a@x,12:3:b@y,3:c@y,,";

describe("what an honest server would refuse in silence gets a success", () => {
  test.each<[Misbehaviour, string]>([
    ["accept-leading-zero", "03:\nhi,3:a@x,6:3:b@y,,"],
    ["accept-leading-zero", "3:\nhi,03:a@x,6:3:b@y,,"],
    ["accept-leading-zero", "3:\nhi,3:a@x,06:3:b@y,,"],
    ["accept-leading-zero", "3:\nhi,3:a@x,7:03:b@y,,"],
    ["accept-empty-length", "3:\nhi,:,6:3:b@y,,"],
    ["accept-letter", "3x:\nhi,3:a@x,6:3:b@y,,"],
    ["accept-any-digit", "3:\nhi,3:a@x,20:A:bbbbbbbbbbbbbb@yy,,"],
    ["accept-sign", "3:\nhi,+3:a@x,6:3:b@y,,"],
    ["accept-blank", "3:\nhi,3:a@x,7: 3:b@y,,"],
    ["accept-missing-comma", "3:\nhi;3:a@x,6:3:b@y,,"],
    ["accept-missing-comma", "3:\nhi,3:a@x,6:3:b@y,;"],
    ["accept-overrun", "3:\nhi,3:a@x,4:3:b@y,,"],
    ["accept-short-list", "3:\nhi,3:a@x,5:9:b@y,"],
    ["accept-long-length", "99999999999:\n"],
    ["accept-no-recipients", "3:\nhi,3:a@x,0:,"],
    ["wrap-32", "4294967299:\nhi,3:a@x,6:3:b@y,,"],
    ["wrap-64", "18446744073709551619:\nhi,3:a@x,6:3:b@y,,"],
    ["answer-early", FROM_A.slice(0, -1)],
  ])("%s: %j", async (misbehaviour, wire) => {
    expect(await answerTo([wire], { misbehaviour })).toMatch(/^19:Kok TIME qp \d,/);
    expect(await answerTo([wire], {})).toBe("");
    // It is a fault of its own: what is right is answered as ever.
    expect(await answerTo([FROM_A], { misbehaviour })).toBe(OK);
  });
});

describe("responses", () => {
  test.each<[Misbehaviour, string, string]>([
    ["merge-recipients", "1:\n,0:,18:3:b@y,3:b@y,3:c@y,,", OK + OK],
    ["off-by-one", FROM_A, OK.replace("19", "18")],
    ["empty-response", FROM_A, "0:,"],
    ["leading-space", FROM_A, "20:K ok TIME qp 1,"],
    ["repeat-recipient", TWO, "23:Kok TIME qp 1 b@y,23:Kok TIME qp 1 c@y,"],
    ["line-feed", FROM_A, "26:Kok TIME qp 1\nqueued,"],
    ["latin-1", FROM_A, "21:K\xe9 ok TIME qp 1,"],
    ["stray-hash", FROM_A, "22:Kok TIME qp 1 #1,"],
    ["close-after-first", FROM_A + FROM_A, OK],
    ["drop-second-package", FROM_A + FROM_A, OK],
    [
      "lose-after-16",
      FROM_A.repeat(20),
      Array.from({ length: 16 }, (_, at) => at + 1)
        .map(ok)
        .join(""),
    ],
    ["wait-for-more", `${FROM_A}3:\n`, ""],
    ["wait-for-more", FROM_A, OK],
    ["lose-responses", `${FROM_A}3;`, ""],
    ["lose-responses", FROM_A, OK],
    ["no-half-close", FROM_A, ""],
    ["refuse-dos", "1:\r,0:,6:3:b@y,,", "18:Zcannot read CR LF,"],
    ["refuse-empty", "1:\n,0:,6:3:b@y,,", "21:Zthe message is empty,"],
    ["refuse-null-sender", "1:\n,0:,6:3:b@y,,", "14:Dname a sender,"],
    ["refuse-received", "13:\nReceived: x\n,3:a@x,6:3:b@y,,", "10:Dmail loop,"],
    ["refuse-folding", "8:\nA: b\n c,3:a@x,6:3:b@y,,", "11:Dbad header,"],
    ["close-on-nul", "3:\n\0\0,0:,6:3:b@y,,", ""],
    ["close-on-quote", '1:\n,3:"@x,6:3:b@y,,', ""],
    ["close-on-8-bit", "1:\n,3:\xe9@x,6:3:b@y,,", ""],
    ["close-on-900", `1:\n,900:${"a".repeat(900)},6:3:b@y,,`, ""],
    ["close-on-1000", `1:\n,1000:${"a".repeat(1_000)},6:3:b@y,,`, ""],
    ["hundred-recipients", `1:\n,0:,606:${"3:b@y,".repeat(101)},`, ""],
  ])("%s", async (misbehaviour, wire, expected) => {
    const numbered = await answerTo([wire], { misbehaviour });
    const length = (text: string) => text.replaceAll(/(\d+):K([^,]*ok TIME qp)/g, "$1:K$2");
    expect(length(numbered).replaceAll(/\d\d:K/g, "N:K")).toBe(expected.replaceAll(/\d\d:K/g, "N:K"));
  });

  test("swap-responses", async () => {
    const response = { status: "failure", text: Buffer.from("no") } as const;
    const rules = { recipients: [{ pattern: /^c/, response }], maxBytes: 9, maxRecipients: 9 };
    expect(await answerTo([TWO], { misbehaviour: "swap-responses", rules })).toBe(`3:Dno,${OK}`);
  });

  test("whole-segments: a package in two pieces is cut, one in one piece is answered", async () => {
    const behaviour: Behaviour = { misbehaviour: "whole-segments" };
    expect(await answerTo([FROM_A.slice(0, 4), FROM_A.slice(4)], behaviour)).toBe("");
    expect(await answerTo([FROM_A, FROM_A], behaviour)).toBe(OK + ok(2));
  });
});

describe("what is stored", () => {
  async function storedBy(misbehaviour: Misbehaviour, ...wire: string[]): Promise<string[]> {
    const maildir = mkdtempSync(join(tmpdir(), "qmtp-test-"));
    onTestFinished(() => rmSync(maildir, { recursive: true }));
    await createMaildir(maildir);
    await answerTo(wire, { misbehaviour, store: new BatchedStore(maildir) });
    return readdirSync(`${maildir}/new`).map((name) =>
      readFileSync(`${maildir}/new/${name}`, "latin1").replace(/^.*\n.*\n/, ""),
    );
  }
  const wireOf = (message: string, encoding = "\n") =>
    `${message.length + 1}:${encoding}${message},0:,6:3:b@y,,`;

  test.each<[Misbehaviour, string, string]>([
    ["keep-dos", wireOf("a\r\nb", "\r"), "a\r\nb"],
    ["add-line-end", wireOf("a\nb"), "a\nb\n"],
    ["add-line-end", wireOf("a\n"), "a\n"],
    ["strip-high-bit", wireOf("\xe9"), "i"],
    ["strip-nul", wireOf("a\0b"), "ab"],
    ["strip-cr", wireOf("a\rb\r\n"), "ab\n"],
    ["fold-lines", wireOf("x".repeat(1_000)), `${"x".repeat(998)}\nxx`],
    ["strip-dot", wireOf("..a.\n.\n"), ".a.\n\n"],
    ["quote-from", wireOf("From a\nFrom\nFroFrom \n"), ">From a\nFrom\nFroFrom \n"],
    ["deliver-cut", wireOf("a").slice(0, -1), "a"],
    ["forget-accepted", wireOf("a"), "a"],
    ["forget-on-cut", wireOf("a"), "a"],
  ])("%s", async (misbehaviour, wire, expected) => {
    expect(await storedBy(misbehaviour, wire)).toEqual([expected]);
  });

  test("nothing of a package that the client cut, or that a broken one followed", async () => {
    expect(await storedBy("drip", wireOf("a").slice(0, -1))).toEqual([]);
    expect(await storedBy("forget-accepted", wireOf("a"), "x")).toEqual([]);
    expect(await storedBy("forget-on-cut", wireOf("a"), "5:")).toEqual([]);
    expect(await storedBy("forget-on-cut", wireOf("a"), "x")).toEqual(["a"]);
    expect(await storedBy("drip", wireOf("a"), "x")).toEqual(["a"]);
  });
});
