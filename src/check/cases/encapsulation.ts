import type { X509Certificate } from "node:crypto";
import { checkServerIdentity, type SecureVersion } from "node:tls";
import { noResponse } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { handshake, inTheClear } from "../handshake.ts";
import { fail, type Outcome, pass, Undecided } from "../outcome.ts";
import type { Probe } from "../probe.ts";
import { staysOpen } from "./endings.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;
/** Certificates are renewed some weeks before they expire. */
const DAYS_LEFT = 14;
const VERSIONS: readonly SecureVersion[] = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
/** The beginning of a TLS handshake: a record of 512 bytes, of which few come. */
const CUT_HANDSHAKE = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);
const TLS = { needs: ["tls"], messages: 0 } as const;

/** Section 7, and TLS, which qmtp.txt does not cover but its users need. */
export const ENCAPSULATION_CASES: readonly ActiveCase[] = [
  {
    ...TLS,
    id: "7/tls-versions",
    level: "should",
    requirement: "The server offers TLS 1.2 or 1.3, and nothing older.",
    sent: "a handshake with each version",
    expected: "TLSv1.2 or TLSv1.3, and neither TLSv1 nor TLSv1.1",
    advice: "clients must demand TLS 1.2 at least; qmtp does",
    run: offeredVersions,
  },
  {
    ...TLS,
    id: "7/certificate-name",
    level: "must",
    requirement: "The certificate has the server's name.",
    sent: "a TLS handshake",
    expected: "a certificate for the name of the endpoint",
    advice: "clients must name another server, or trust only this key: --insecure --pinnedpubkey",
    run: async (probe) => {
      const { certificate, name } = await handshake(probe);
      const wrong = checkServerIdentity(name, certificate.toLegacyObject());
      return wrong === undefined ? pass(names(certificate)) : fail(names(certificate));
    },
  },
  {
    ...TLS,
    id: "7/certificate-chain",
    level: "must",
    requirement: "The certificate comes from an issuer that is trusted.",
    sent: "a TLS handshake",
    expected: "a chain of certificates up to a trusted one",
    advice: "clients must trust its issuer, or only this key: --cacert, or --insecure --pinnedpubkey",
    run: async (probe) => {
      const { authorized, error, certificate } = await handshake(probe);
      const issuer = `issued by ${certificate.issuer.replaceAll("\n", ", ")}`;
      return authorized ? pass(issuer) : fail(`${error}; ${issuer}`);
    },
  },
  {
    ...TLS,
    id: "7/certificate-days",
    level: "should",
    requirement: `The certificate is valid for ${DAYS_LEFT} more days.`,
    sent: "a TLS handshake",
    expected: `a certificate that is valid, and for ${DAYS_LEFT} more days`,
    advice: "the server needs a new certificate soon",
    run: async (probe) => {
      const { certificate } = await handshake(probe);
      const days = Math.floor((Date.parse(certificate.validTo) - Date.now()) / DAY_MS);
      const got = days < 0 ? `expired on ${certificate.validTo}` : `${days} days left`;
      return days < DAYS_LEFT ? fail(got) : pass(got);
    },
  },
  {
    id: "7/no-clear-text",
    level: "must",
    requirement: "A port for TLS does not answer in the clear.",
    needs: ["tls", "to"],
    messages: 1,
    sent: "a package, without TLS",
    expected: "no response",
    advice: "a client without TLS does not notice that its mail can be read on the way",
    run: async (probe) => {
      const wire = await probe.open(inTheClear(probe));
      await wire.post(probe.package([probe.to]), 1);
      return noResponse(wire, probe.subject.waitMs);
    },
  },
  {
    ...TLS,
    id: "7/handshake-cut",
    level: "must",
    requirement: "A client that closes during the TLS handshake does not disturb others.",
    isAboutOthers: true,
    sent: "the beginning of a TLS handshake, then the end of the connection; then another connection",
    expected: "the other connection stays open",
    advice: "any client can end the service for all",
    run: async (probe) => {
      const wire = await probe.open(inTheClear(probe));
      await wire.send(CUT_HANDSHAKE);
      wire.half();
      await wire.hear(1, probe.subject.waitMs);
      wire.close();
      return staysOpen(probe);
    },
  },
];

async function offeredVersions(probe: Probe): Promise<Outcome> {
  const offered: string[] = [];
  for (const version of VERSIONS) {
    try {
      // OpenSSL speaks the old versions only without its minimum of security.
      const ciphers = "DEFAULT:@SECLEVEL=0";
      await handshake(probe, { minVersion: version, maxVersion: version, ciphers });
      offered.push(version);
    } catch (error) {
      if (!(error instanceof Undecided)) throw error;
      if (error.late) throw error;
    }
  }
  const got = offered.length === 0 ? "none" : offered.join(", ");
  if (offered.length === 0) throw new Undecided("no TLS handshake succeeds");
  return offered.some((version) => ["TLSv1", "TLSv1.1"].includes(version)) ? fail(got) : pass(got);
}

function names({ subjectAltName, subject }: X509Certificate): string {
  return subjectAltName ?? subject.replaceAll("\n", ", ");
}
