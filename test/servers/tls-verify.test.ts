import { afterEach, describe, expect, test } from "vitest";
import { type Identity, makeCertificates, pinOf } from "../support/certificates.ts";
import { stopAll } from "../support/processes.ts";
import {
  deferredFor,
  expectTaken,
  reportOf,
  sendTo,
  startTlsSink,
  startTlsSinkProcess,
  succeeded,
  TAKEN,
} from "../support/tls-sink.ts";

afterEach(stopAll);

const made = makeCertificates();
const { ca, folder } = made;
const pin = (identity: Identity) => pinOf(folder, identity);
const notVerified = (endpoint: string) => `qmtp: the certificate of ${endpoint} is not verified\n`;

describe("a good certificate", () => {
  test.each(["127.0.0.1", "localhost"])("for %s is trusted, and results say so", async (name) => {
    const sink = await startTlsSink(made.good);
    const endpoint = sink.endpoint.replace("127.0.0.1", name);
    expect(await sendTo(endpoint, ["--cacert", ca])).toEqual(succeeded());
    const result = await sendTo(endpoint, ["--cacert", ca, "--json"]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const tls = { version: "TLSv1.3", cipher: expect.stringMatching(/^TLS_[A-Z0-9_]+$/), verified: true };
    expect(reportOf(result)).toMatchObject({ exitCode: 0, server: { endpoint, tls }, error: null });
    await expectTaken(sink, TAKEN + TAKEN);
  });

  test("is trusted with TLS 1.2, and results say so", async () => {
    const sink = await startTlsSink(made.good);
    const env = { NODE_OPTIONS: "--tls-max-v1.2" };
    const result = await sendTo(sink.endpoint, ["--cacert", ca, "--json"], { env });
    expect(reportOf(result)).toMatchObject({ server: { tls: { version: "TLSv1.2", verified: true } } });
    await expectTaken(sink, TAKEN);
  });

  test("is trusted by SSL_CERT_FILE, unless --cacert names other issuers", async () => {
    const sink = await startTlsSinkProcess(made.good);
    const env = { SSL_CERT_FILE: ca };
    expect(await sendTo(sink.endpoint, [], { env })).toEqual(succeeded());
    const other = await sendTo(sink.endpoint, ["--cacert", made.selfSigned.cert], { env });
    expect(other).toMatchObject({ code: 111, stdout: expect.stringMatching(/^b@y: deferral: /), stderr: "" });
    await expectTaken(sink, TAKEN);
  });

  test("is not trusted unless its issuer is named", async () => {
    const sink = await startTlsSinkProcess(made.good);
    const sent = await sendTo(sink.endpoint, [], { env: { SSL_CERT_FILE: "" } });
    expect(sent).toMatchObject({ code: 111, stderr: "" });
    expect(sent.stdout).toContain("unknown issuer (CN=Test CA); trust its issuer with --cacert");
    await expectTaken(sink, "");
  });
});

/** Each has its own remedy: trusting the issuer does not help if the fault lies elsewhere. */
const PIN = "trust ";
const TRUST = "trust its issuer with --cacert <file>, or ";
const RENAME = "name one of these with --tls-servername, or trust ";

describe.each<[Exclude<keyof typeof made, "folder" | "ca">, string, string]>([
  [
    "expired",
    "it or its issuer's certificate has expired (its own is valid until Jan  1 00:00:00 2021 GMT)",
    PIN,
  ],
  ["notYetValid", "not valid before Jan  1 00:00:00 2098 GMT", PIN],
  ["clientOnly", "it is not for servers", PIN],
  ["selfSigned", "self-signed", TRUST],
  ["stranger", "unknown issuer (CN=Other CA)", TRUST],
  ["wrongName", "it is for DNS:mx.example.org", RENAME],
])("the certificate that is %s", (which, why, remedy) => {
  const identity: Identity = made[which];

  test("is refused, and nothing is sent", async () => {
    const sink = await startTlsSinkProcess(identity);
    const before = `b@y: deferral: cannot connect to ${sink.endpoint}: certificate not valid for '127.0.0.1': ${why}; `;
    const after = `only this key with --insecure --pinnedpubkey ${pin(identity)}\n`;
    const sent = await sendTo(sink.endpoint, ["--cacert", ca]);
    expect(sent).toMatchObject({ code: 111, stdout: before + remedy + after, stderr: "" });
    const result = await sendTo(sink.endpoint, ["--cacert", ca, "--json"]);
    expect(reportOf(result)).toMatchObject({
      exitCode: 111,
      server: { tls: null },
      deliveries: [{ status: "deferral", possibleDuplicate: false }],
      error: { code: "tls-untrusted", fault: "remote" },
    });
    await expectTaken(sink, "");
  });

  test("is refused even if its key is pinned", async () => {
    const sink = await startTlsSinkProcess(identity);
    const sent = await sendTo(sink.endpoint, ["--cacert", ca, "--pinnedpubkey", pin(identity)]);
    expect(sent).toMatchObject({ code: 111, stdout: expect.stringContaining(why), stderr: "" });
    await expectTaken(sink, "");
  });

  test("is accepted with --insecure, with a warning each time", async () => {
    const sink = await startTlsSink(identity);
    const { endpoint } = sink;
    expect(await sendTo(endpoint, ["-k"])).toEqual(succeeded(notVerified(endpoint)));
    const quiet = await sendTo(endpoint, ["-k", "-q"]);
    expect(quiet).toEqual({ code: 0, signal: null, stdout: "", stderr: notVerified(endpoint) });
    const result = await sendTo(endpoint, ["--insecure", "--json", "--pinnedpubkey", pin(identity)]);
    expect(result).toMatchObject({ code: 0, stderr: notVerified(endpoint) });
    expect(reportOf(result)).toMatchObject({ server: { tls: { version: "TLSv1.3", verified: false } } });
    await expectTaken(sink, TAKEN + TAKEN + TAKEN);
  });
});

test("a certificate for another name is accepted only if --tls-servername names it", async () => {
  const sink = await startTlsSinkProcess(made.wrongName);
  const named = (name: string) => sendTo(sink.endpoint, ["--cacert", ca, "--tls-servername", name]);
  expect(await named("mx.example.org")).toEqual(succeeded());
  const other = await named("mx.example.net");
  expect(other).toMatchObject({ code: 111, stderr: "" });
  expect(other.stdout).toContain(
    "certificate not valid for 'mx.example.net': it is for DNS:mx.example.org; ",
  );
  await expectTaken(sink, TAKEN);
});

test("a self-signed certificate is trusted if --cacert names it", async () => {
  const sink = await startTlsSink(made.selfSigned);
  expect(await sendTo(sink.endpoint, ["--cacert", made.selfSigned.cert])).toEqual(succeeded());
  await expectTaken(sink, TAKEN);
});

test("the wrong name is reported among several reasons", async () => {
  const sink = await startTlsSinkProcess(made.expired);
  const sent = await sendTo(sink.endpoint, ["--cacert", ca, "--tls-servername", "mx.example.org"]);
  expect(sent).toMatchObject({ code: 111, stderr: "" });
  expect(sent.stdout).toContain("GMT), and it is for DNS:localhost, IP Address:127.0.0.1; ");
  await expectTaken(sink, "");
});

describe("a pinned key", () => {
  const right = pin(made.good);
  const wrong = pin(made.client);
  const refused = (endpoint: string) =>
    deferredFor(
      `cannot connect to ${endpoint}: the server's public key is not the pinned one; trust it with --pinnedpubkey ${right}`,
    );

  test.each([
    ["alone", right],
    ["first of two", `${right};${wrong}`],
    ["second of two", `${wrong};${right}`],
  ])("that is right, %s, lets the message pass", async (_where, pins) => {
    const sink = await startTlsSink(made.good);
    expect(await sendTo(sink.endpoint, ["--cacert", ca, "--pinnedpubkey", pins])).toEqual(succeeded());
    await expectTaken(sink, TAKEN);
  });

  test.each([
    ["verified", ["--cacert", ca]],
    ["not verified", ["-k"]],
  ])("that is wrong does not, with a certificate that is %s", async (_how, args) => {
    const sink = await startTlsSinkProcess(made.good);
    const sent = await sendTo(sink.endpoint, [...args, "--pinnedpubkey", wrong]);
    expect(sent).toEqual(refused(sink.endpoint));
    await expectTaken(sink, "");
  });
});
