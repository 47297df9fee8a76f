import { readdirSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { qmtp } from "../support/in-process.ts";
import { mail, maildirWith } from "../support/maildirs.ts";
import { stopAll } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { reportOf, sendTo } from "../support/tls-sink.ts";
import { skipsStunnel, startStunnel } from "./stunnel.ts";

afterEach(stopAll);

const what = "a real server behind TLS (mailfront behind stunnel)";

describe.skipIf(skipsStunnel(what))(what, () => {
  const made = makeCertificates();
  const trust = ["--cacert", made.ca];

  test.each(["TLSv1.3", "TLSv1.2"])("with %s, a message arrives, and results report TLS", async (version) => {
    const server = await startStunnel(made.good, [`sslVersionMax = ${version}`]);
    const result = await sendTo(server.endpoint, [...trust, "--json"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(reportOf(result)).toMatchObject({
      server: { endpoint: server.endpoint, tls: { version, verified: true } },
      deliveries: [{ status: "success", text: "2.6.0 Message accepted.", possibleDuplicate: false }],
      error: null,
    });
    expect(server.stored()).toEqual([Buffer.from("a@x\0b@y\0hi\n")]);
  });

  test("5 MB of every byte arrive unchanged, from standard input and from a file", async () => {
    const server = await startStunnel(made.good);
    // Without CR LF, which would be a line end.
    const input = Buffer.alloc(5_000_000, Buffer.from(Array.from({ length: 256 }, (_, byte) => 255 - byte)));
    const file = `${temporaryFolder()}/message`;
    writeFileSync(file, input);
    for (const source of [[], ["--file", file]]) {
      const sent = await sendTo(server.endpoint, [...trust, "--raw", ...source], { input });
      const stdout = "b@y: success: 2.6.0 Message accepted.\n";
      expect(sent).toEqual({ code: 0, signal: null, stdout, stderr: "" });
    }
    const expected = Buffer.concat([Buffer.from("a@x\0b@y\0"), input]);
    expect(server.stored().map((stored) => stored.equals(expected))).toEqual([true, true]);
  });

  test("50 recipients with --split each have a success and a copy", async () => {
    const server = await startStunnel(made.good);
    const recipients = Array.from({ length: 50 }, (_, index) => `recipient-${index}@example.org`);
    const args = ["send", "-s", server.endpoint, ...trust, "-f", "a@x", "--split", ...recipients];
    const sent = await qmtp(args, { input: "hi\n" });
    const stdout = recipients.map((one) => `${one}: success: 2.6.0 Message accepted.\n`).join("");
    expect(sent).toEqual({ code: 0, signal: null, stdout, stderr: "" });
    const expected = recipients.map((one) => Buffer.from(`a@x\0${one}\0hi\n`));
    expect(server.stored()).toEqual(expected.sort(Buffer.compare));
  });

  test("a maildir's messages arrive over several sessions, each of which warns once with --insecure", async () => {
    const server = await startStunnel(made.selfSigned);
    const names = Array.from({ length: 20 }, (_, index) => `r${index}@y`);
    const files = names.map((name, index) => [`new/${index}.h`, [60 - index, mail(name)]] as const);
    const maildir = maildirWith(Object.fromEntries(files));
    const args = ["maildir", "-s", server.endpoint, "-k", maildir, ""];
    const sent = await qmtp(args);
    expect(sent.code).toBe(0);
    expect(sent.stdout.match(/: success: 2\.6\.0 Message accepted\.\n/g)).toHaveLength(20);
    const warning = `qmtp: the certificate of ${server.endpoint} is not verified`;
    expect(new Set(sent.stderr.trimEnd().split("\n"))).toEqual(
      new Set([warning, "qmtp: 20 messages: 20 success; 20 removed"]),
    );
    expect(readdirSync(`${maildir}/new`)).toEqual([]);
    const expected = names.map((name) => Buffer.from(`a@x\0${name}\0Subject: x\n\nhi\n`));
    expect(server.stored()).toEqual(expected.sort(Buffer.compare));
  });
});
