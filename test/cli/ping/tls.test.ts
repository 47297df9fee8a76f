import { expect, test } from "vitest";
import { makeCertificates, pinOf } from "../../support/certificates.ts";
import { qmtp } from "../../support/in-process.ts";
import { startTlsSink } from "../../support/tls-sink.ts";

const made = makeCertificates();
const ping = (...args: string[]) => qmtp(["ping", "--wait", "0.3", ...args]);

const TLS = "TLSv1\\.3 with TLS_[A-Z0-9_]+";
const MIDDLE = `connected to 127\\.0\\.0\\.1 port \\d+ in \\d+\\.\\d ms; ${TLS}; certificate`;

test("with TLS, the line has version, cipher, subject, and the days until the certificate ends", async () => {
  const { endpoint } = await startTlsSink(made.good);
  const run = await ping("-s", endpoint, "--cacert", made.ca);
  expect(run).toMatchObject({ code: 0, stderr: "" });
  const [, days] = new RegExp(`^${endpoint}: ${MIDDLE} CN=good, (\\d+) days left\n$`).exec(run.stdout) ?? [];
  const left = (Date.UTC(2099, 11, 31, 23, 59, 59) - Date.now()) / 86_400_000;
  expect(Math.abs(Number(days) - left)).toBeLessThan(1.1);
});

test("--json has the same", async () => {
  const { endpoint } = await startTlsSink(made.good);
  const { stdout } = await ping("--json", "-s", endpoint, "--cacert", made.ca);
  const { server, certificate } = JSON.parse(stdout);
  expect(server.tls).toMatchObject({ version: "TLSv1.3", verified: true });
  expect(certificate).toEqual({
    subject: "CN=good",
    validTo: "2099-12-31T23:59:59.000Z",
    daysLeft: expect.any(Number),
  });
});

test("an expired certificate is an error; with -k and its pin, the line says since when", async () => {
  const { endpoint } = await startTlsSink(made.expired);
  const refused = await ping("-s", endpoint, "--cacert", made.ca);
  expect(refused).toMatchObject({ code: 111, stderr: "" });
  expect(refused.stdout).toContain("expired");
  const pin = pinOf(made.folder, made.expired);
  const run = await ping("-s", endpoint, "-k", "--pinnedpubkey", pin);
  expect(run.code).toBe(0);
  expect(run.stdout).toMatch(new RegExp(`^${endpoint}: ${MIDDLE} CN=expired, expired \\d{4,} days ago\n$`));
});

test("a server that wants a client certificate says so, although it does only after the handshake", async () => {
  const { endpoint } = await startTlsSink(made.good, ["--cacert", made.ca]);
  const trust = ["-s", endpoint, "--cacert", made.ca];
  const refused = await ping(...trust);
  const line = `${endpoint}: the server requires a client certificate; use --cert and --key\n`;
  expect(refused).toEqual({ code: 111, signal: null, stdout: line, stderr: "" });
  expect((await ping(...trust, "--cert", made.client.cert, "--key", made.client.key)).code).toBe(0);
});
