import { expect, test } from "vitest";
import type { PingResult } from "../../src/client/ping.ts";
import { QmtpError } from "../../src/errors.ts";
import { pingLine } from "../../src/report/ping.ts";

const NOW = Date.UTC(2026, 0, 10, 12);
const HOUR = 3_600_000;

const tls = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", verified: true };
const server = { endpoint: "qmtps://mx.example.org:6209", address: "192.0.2.1", port: 6_209, tls };
const TLS_LINE =
  "qmtps://mx.example.org:6209: connected to 192.0.2.1 port 6209 in 12.3 ms; TLSv1.3 with TLS_AES_128_GCM_SHA256";

const line = (more: Partial<PingResult>) =>
  pingLine({ server, certificate: null, connectMs: 12.34, error: null, ...more }, NOW);

test.each([
  [34 * 24 + 1, "34 days left"],
  [47, "1 day left"],
  [23, "less than a day left"],
  [-1, "expired less than a day ago"],
  [-25, "expired 1 day ago"],
  [-49, "expired 2 days ago"],
])("a certificate that ends in %d hours: %s", (hours, said) => {
  const certificate = { subject: "O=Example, CN=mx.example.org", validTo: NOW + hours * HOUR };
  expect(line({ certificate })).toBe(`${TLS_LINE}; certificate O=Example, CN=mx.example.org, ${said}`);
});

test("a server without a certificate", () => {
  expect(line({})).toBe(TLS_LINE);
});

test("the exchanger of a domain is named", () => {
  const exchanger = {
    ...server,
    endpoint: "mx:example.org",
    exchanger: "mx1.example.org",
    preference: 12_801,
  };
  expect(line({ server: { ...exchanger, tls: null, port: 209 } })).toBe(
    "mx:example.org: connected to mx1.example.org, 192.0.2.1 port 209 in 12.3 ms",
  );
});

test("bytes of a subject cannot drive the terminal", () => {
  const certificate = { subject: "CN=\u001b[2J", validTo: NOW };
  expect(line({ certificate })).toContain("; certificate CN=\\x1b[2J, less than a day left");
});

test("an error without a connection speaks for itself, and one with a connection names the endpoint", () => {
  const error = new QmtpError("connect-failed", "cannot connect to qmtps://mx.example.org:6209: refused");
  expect(line({ connectMs: null, error })).toBe(error.message);
  const closed = new QmtpError("connection-closed", "the server closed the connection at once");
  expect(line({ error: closed })).toBe(`qmtps://mx.example.org:6209: ${closed.message}`);
});
