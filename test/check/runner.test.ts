import { expect, test } from "vitest";
import { CASES } from "../../src/check/cases/all.ts";
import { readServerTls } from "../../src/sink/tls-server.ts";
import { readTlsSettings } from "../../src/transport/tls-settings.ts";
import { makeCertificates } from "../support/certificates.ts";
import { check, idsOf, withSink } from "./checking.ts";

const certificates = makeCertificates();

test("the sink passes every case", async () => {
  await withSink([], async ({ endpoint, maildir }) => {
    const end = await check(endpoint, CASES, { inbox: maildir, large: true });
    expect(end.results.filter(({ verdict }) => verdict !== "pass").map(({ case: { id } }) => id)).toEqual([
      ...CASES.filter(({ needs }) => needs.includes("tls")).map(({ id }) => id),
      "7/idle-time",
    ]);
    expect(end.messages.sent).toBeLessThanOrEqual(end.messages.announced);
  });
}, 60_000);

test("the sink passes every case with TLS", async () => {
  const { cert, key } = certificates.good;
  await withSink(
    [],
    async ({ endpoint, maildir }) => {
      const tls = readTlsSettings({ cacert: certificates.ca });
      const end = await check(endpoint, CASES, { inbox: maildir, tls });
      expect(idsOf(end, "fail")).toEqual([]);
      expect(idsOf(end, "unclear")).toEqual([]);
      expect(idsOf(end, "skip")).toEqual(["4/large-message", "7/idle-time"]);
    },
    { tls: readServerTls(cert, key, undefined) },
  );
}, 60_000);
