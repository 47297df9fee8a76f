import { expect, test } from "vitest";
import { makeCertificates } from "../../support/certificates.ts";
import { qmtp } from "../../support/in-process.ts";
import { startTlsSink } from "../../support/tls-sink.ts";

const certificates = makeCertificates();
const QUICK = ["--to", "a@example.org", "--wait", "0.1", "--json", "--only", "7/", "--only", "2/one-resp"];

const verdictsIn = (stdout: string): Record<string, string> =>
  Object.fromEntries(
    JSON.parse(stdout).cases.map(({ id, verdict }: { id: string; verdict: string }) => [id, verdict]),
  );

test("a server with TLS and a certificate that is trusted: the cases about them pass", async () => {
  const sink = await startTlsSink(certificates.good);
  const { code, stdout } = await qmtp(["check", "-s", sink.endpoint, "--cacert", certificates.ca, ...QUICK]);
  expect(verdictsIn(stdout)).toMatchObject({
    "2/one-response-each": "pass",
    "7/tls-versions": "pass",
    "7/certificate-name": "pass",
    "7/certificate-chain": "pass",
    "7/certificate-days": "pass",
    "7/no-clear-text": "pass",
    "7/handshake-cut": "pass",
  });
  expect(code).toBe(0);
});

test("a certificate that is not trusted ends the run with what to do; with -k, the cases say what is wrong", async () => {
  const sink = await startTlsSink(certificates.selfSigned);
  const refused = await qmtp(["check", "-s", sink.endpoint, ...QUICK]);
  expect(refused.code).toBe(111);
  expect(refused.stderr).toMatch(/^qmtp: cannot connect to qmtps:.+ --insecure --pinnedpubkey .+\n$/);
  const run = await qmtp(["check", "-s", sink.endpoint, "-k", ...QUICK]);
  expect(run.code).toBe(1);
  expect(verdictsIn(run.stdout)).toMatchObject({
    "2/one-response-each": "pass",
    "7/certificate-name": "pass",
    "7/certificate-chain": "fail",
  });
  // The warning comes once, not with each connection.
  expect(run.stderr.match(/is not verified/g)?.length).toBe(1);
});
