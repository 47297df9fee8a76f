import { describe, expect, test } from "vitest";
import { CASES } from "../../src/check/cases/all.ts";
import type { Misbehaviour } from "../../src/sink/misbehaviour.ts";
import { readServerTls } from "../../src/sink/tls-server.ts";
import { readTlsSettings } from "../../src/transport/tls-settings.ts";
import { makeCertificates } from "../support/certificates.ts";
import { check, idsOf, withSink } from "./checking.ts";
import { ROWS, type Row } from "./misbehaviours.ts";

/** Cases that take long: they run only for the faults that they find. */
const LONG = ["2/unread-responses", "2/after-silence", "2/one-byte-segments", "4/large-message"];

const certificates = makeCertificates();

/** For each certificate, the cases that find it wrong. */
const CERTIFICATES = {
  wrongName: ["7/certificate-name"],
  stranger: ["7/certificate-chain"],
  expired: ["7/certificate-chain", "7/certificate-days"],
} as const;

/** Nothing is found wrong by them. */
const NEVER_FAIL = CASES.filter(({ level }) => level === "info").map(({ id }) => id);

test("every case has a fault of the sink that it finds", () => {
  const found: string[] = [
    ...Object.values(ROWS).flatMap((row) => row.found),
    ...Object.values(CERTIFICATES).flat(),
  ];
  const without = CASES.map(({ id }) => id).filter((id) => !found.includes(id) && !NEVER_FAIL.includes(id));
  expect(without).toEqual([]);
  expect(found.filter((id) => !CASES.some((one) => one.id === id))).toEqual([]);
});

test("every case that can fail says what that means for clients", () => {
  const silent = CASES.filter(({ level, advice }) => level !== "info" && advice === undefined);
  expect(silent.map(({ id }) => id)).toEqual([]);
});

async function failuresWith(
  kind: string,
  { found, sender, tls, atOnce, also = [], waitMs = 150 }: Row,
): Promise<string[]> {
  const { cert, key } = certificates.good;
  const server = tls && readServerTls(cert, key, undefined);
  return withSink(
    [kind as Misbehaviour],
    async ({ endpoint, maildir }) => {
      const cases = CASES.filter(({ id }) => found.includes(id) || !LONG.includes(id));
      const end = await check(endpoint, cases, {
        inbox: maildir,
        waitMs,
        timeoutMs: 2_000,
        large: true,
        ...(sender !== undefined && { sender: Buffer.from(sender) }),
        ...(tls && { tls: readTlsSettings({ cacert: certificates.ca }) }),
        ...(atOnce !== undefined && { atOnce }),
      });
      const failed = idsOf(end, "fail");
      return failed.filter((id) => found.includes(id) || !also.some((start) => id.startsWith(start)));
    },
    server && { tls: server },
  );
}

describe("a fault of the sink is found by its cases, and by no others", () => {
  test.concurrent.each(Object.entries(ROWS))(
    "%s",
    async (kind, row) => {
      expect((await failuresWith(kind, row)).toSorted()).toEqual(row.found.toSorted());
    },
    60_000,
  );
});

test.each(Object.entries(CERTIFICATES))(
  "a certificate that is %s is found by its cases",
  async (name, found) => {
    const { cert, key } = certificates[name as keyof typeof CERTIFICATES];
    const failed = await withSink(
      [],
      async ({ endpoint }) => {
        const cases = CASES.filter(({ needs }) => needs.includes("tls"));
        const tls = readTlsSettings({ cacert: certificates.ca, insecure: true });
        return idsOf(await check(endpoint, cases, { tls }), "fail");
      },
      { tls: readServerTls(cert, key, undefined) },
    );
    expect(failed).toEqual(found);
  },
);
