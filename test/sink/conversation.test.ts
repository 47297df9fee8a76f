import { mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BatchedStore } from "../../src/maildir/batched.ts";
import { createMaildir } from "../../src/maildir/store.ts";
import type { ConversationOptions, Received } from "../../src/sink/contract.ts";
import { connectionPair } from "../session/pair.ts";
import { startConversation } from "../session/sending.ts";

/** The sink's responses to these bytes, and what it reports. */
async function answers(wire: string, options: Partial<ConversationOptions> = {}) {
  const { client, server } = connectionPair();
  const packages: Received[] = [];
  const violations: string[] = [];
  const reasons: string[] = [];
  const done = startConversation(server, {
    onPackage: (pkg) => packages.push(pkg),
    onNotStored: (some) => reasons.push(...some),
    onViolation: ({ message, offset }) => violations.push(`${message} at ${offset}`),
    ...options,
  });
  client.end(Buffer.from(wire, "latin1"));
  const received: Buffer[] = [];
  for await (const chunk of client) received.push(chunk);
  await done;
  const text = Buffer.concat(received).toString("latin1");
  return { text: text.replaceAll(/ok \d{10} qp/g, "ok TIME qp"), packages, violations, reasons };
}

const ok = (number: number) => `${18 + String(number).length}:Kok TIME qp ${number},`;

test("each recipient has one response, in order, package by package", async () => {
  const { text, packages } = await answers("3:\nhi,3:s@x,12:3:a@x,3:b@x,,1:\n,0:,6:3:c@x,,");
  expect(text).toBe(ok(1) + ok(1) + ok(2));
  expect(packages.map(({ bytes, encoding, sender }) => [bytes, encoding, sender.toString()])).toEqual([
    [2, "unix", "s@x"],
    [0, "unix", ""],
  ]);
});

test("recipients are refused and deferred by pattern, the others accepted", async () => {
  const recipients = [
    { pattern: /^no/, response: { status: "failure", text: Buffer.from("no such user") } },
    { pattern: /^(later|no)/, response: { status: "deferral", text: Buffer.from("try later") } },
  ] as const;
  const rules = { recipients, maxBytes: 100, maxRecipients: 100 };
  const { text } = await answers("3:\nhi,0:,24:4:no@x,7:later@x,4:ok@x,,", { rules });
  expect(text).toBe("13:Dno such user,10:Ztry later,19:Kok TIME qp 1,");
});

test("over a limit, each recipient still has its response", async () => {
  const large = await answers("4:\nabc,0:,12:3:a@x,3:b@x,,", {
    rules: { recipients: [], maxBytes: 2, maxRecipients: 9 },
  });
  expect(large.text.match(/:D/g)?.length).toBe(2);
  const many = await answers("1:\n,0:,18:3:a@x,3:b@x,3:c@x,,", {
    rules: { recipients: [], maxBytes: 9, maxRecipients: 1 },
  });
  expect(many.text).toMatch(/^19:Kok TIME qp 1,(\d+:D[^#]+\(#5\.5\.3\),){2}$/);
  expect(many.packages).toMatchObject([{ surplus: 2 }]);
});

test("an address that a maildir cannot hold is refused", async () => {
  const { text } = await answers("1:\n,0:,12:3:a\nx,3:b@x,,");
  expect(text).toMatch(/^\d+:D[^#]+\(#5\.1\.3\),19:Kok TIME qp 1,$/);
  expect((await answers("1:\n,3:s\nx,6:3:a@x,,")).text).toMatch(/^\d+:D[^#]+\(#5\.1\.7\),$/);
});

test("bad input closes the connection after earlier responses, and is reported with its offset", async () => {
  const { text, violations, packages } = await answers("1:\n,0:,6:3:a@x,,01:\n,0:,6:3:a@x,,");
  expect(text).toBe(ok(1));
  expect(packages.length).toBe(1);
  expect(violations).toEqual(["leading zero in the length of a message at 17"]);
});

test("an incomplete package is discarded", async () => {
  const wire = "3:\nhi,0:,6:3:a@x,,";
  for (let length = 1; length < wire.length; length++) {
    const { text, packages, violations } = await answers(wire.slice(0, length));
    expect([text, packages, violations]).toEqual(["", [], []]);
  }
});

describe("with a maildir", () => {
  let maildir: string;

  beforeEach(async () => {
    maildir = mkdtempSync(join(tmpdir(), "qmtp-test-"));
    await createMaildir(maildir);
  });

  afterEach(() => rmSync(maildir, { recursive: true }));

  const stored = () =>
    readdirSync(join(maildir, "new")).map((name) => readFileSync(join(maildir, "new", name), "latin1"));

  test("each accepted recipient has a file, in the form maildirqmtp reads", async () => {
    const response = { status: "failure", text: Buffer.from("no") } as const;
    const rules = { recipients: [{ pattern: /^no/, response }], maxBytes: 100, maxRecipients: 100 };
    await answers("5:\na\r\n\xff,3:s@x,18:3:a@x,3:b@x,3:no@,,", { store: new BatchedStore(maildir), rules });
    expect(stored().sort()).toEqual([
      "Return-Path: <s@x>\nDelivered-To: a@x\na\r\n\xff",
      "Return-Path: <s@x>\nDelivered-To: b@x\na\r\n\xff",
    ]);
    expect(readdirSync(join(maildir, "tmp"))).toEqual([]);
  });

  test("encoding dos is stored with local line ends", async () => {
    await answers("8:\ra\r\nb\rc\r,0:,6:3:a@x,,", { store: new BatchedStore(maildir) });
    expect(stored()).toEqual(["Return-Path: <>\nDelivered-To: a@x\na\nb\rc\r"]);
  });

  test("a message larger than its share of memory is stored in full for each recipient", async () => {
    const text = "0123456789abcde\n".repeat(50_000);
    await answers(`${text.length + 1}:\n${text},0:,12:3:a@x,3:b@x,,`, { store: new BatchedStore(maildir) });
    expect(stored().sort()).toEqual(
      ["a@x", "b@x"].map((to) => `Return-Path: <>\nDelivered-To: ${to}\n${text}`),
    );
    expect(readdirSync(join(maildir, "tmp"))).toEqual([]);
  });

  test("a message that cannot be stored is a deferral, never a success", async () => {
    rmdirSync(join(maildir, "new"));
    const { text, packages, reasons } = await answers("1:\n,0:,6:3:a@x,,", {
      store: new BatchedStore(maildir),
    });
    expect(text).toBe("34:Zcannot store the message (#4.3.0),");
    expect(reasons).toEqual(["no such file or directory"]);
    expect(packages[0]?.answers[0]?.response.status).toBe("deferral");
    expect(readdirSync(join(maildir, "tmp"))).toEqual([]);
  });

  test("a message that cannot be buffered is deferred too", async () => {
    rmSync(join(maildir, "tmp"), { recursive: true });
    const text = "x".repeat(600_000);
    const { text: answer } = await answers(`${text.length + 1}:\n${text},0:,6:3:a@x,,`, {
      store: new BatchedStore(maildir),
    });
    expect(answer).toBe("34:Zcannot store the message (#4.3.0),");
  });
});
