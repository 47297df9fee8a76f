import { afterEach, describe, expect, test } from "vitest";
import { type Identity, makeCertificates } from "../support/certificates.ts";
import { stopAll } from "../support/processes.ts";
import { expectTaken, reportOf, sendTo, startTlsSink, succeeded, TAKEN } from "../support/tls-sink.ts";
import { skipsStunnel, startStunnel } from "./stunnel.ts";

afterEach(stopAll);

const made = makeCertificates();
const identify = ({ cert, key }: Identity) => ["--cert", cert, "--key", key];
const VERSIONS = [
  ["TLSv1.3", {}],
  ["TLSv1.2", { NODE_OPTIONS: "--tls-max-v1.2" }],
] as const;

/** TLS 1.2 has no alert for this. */
const MISSING =
  /^(the server|no cipher in common with the server, or it) requires a client certificate; .*--cert/;
const STRANGE = /^the server (does not know the issuer of|refuses) our certificate; check --cert/;

/** The server refuses the client: no success, and no duplicate on a retry. */
async function expectRefused(
  endpoint: string,
  args: readonly string[],
  why: RegExp,
  env: Record<string, string>,
): Promise<void> {
  // The small one is written before the alert arrives, the large one is not.
  for (const input of ["hi\n", Buffer.alloc(8_000_000, "thirty bytes and a line feed.\n")]) {
    const result = await sendTo(endpoint, ["--cacert", made.ca, "--json", ...args], { env, input });
    expect(result).toMatchObject({ code: 111, stderr: "" });
    const { deliveries, error } = reportOf(result);
    expect(deliveries).toMatchObject([{ status: "deferral", possibleDuplicate: false }]);
    const said = error?.message.replace(/^cannot connect to \S+: /, "");
    expect(said).toMatch(why);
    expect(deliveries[0]?.text).toBe(error?.message);
  }
}

describe.each(VERSIONS)("a server that demands client certificates, with %s", (version, env) => {
  const startDemanding = () => startTlsSink(made.good, ["--cacert", made.ca]);

  test("takes a message from a client that has one", async () => {
    const sink = await startDemanding();
    const args = ["--cacert", made.ca, ...identify(made.client)];
    expect(await sendTo(sink.endpoint, args, { env })).toEqual(succeeded());
    const result = await sendTo(sink.endpoint, [...args, "--json"], { env });
    expect(reportOf(result)).toMatchObject({ server: { tls: { version, verified: true } } });
    await expectTaken(sink, TAKEN + TAKEN);
  });

  test("takes nothing from a client that has none", async () => {
    const sink = await startDemanding();
    await expectRefused(sink.endpoint, [], MISSING, env);
    await expectTaken(sink, "");
  });

  // Node's servers then close without an alert: with TLS 1.3, possibly after reading the message.
  test.each([
    ["of an unknown issuer", made.strangeClient],
    ["that is self-signed", made.selfSigned],
  ])("takes nothing from a client with a certificate %s", async (_what, identity) => {
    const sink = await startDemanding();
    const args = ["--cacert", made.ca, ...identify(identity)];
    const sent = await sendTo(sink.endpoint, args, { env });
    expect(sent).toMatchObject({ code: 111, stderr: "" });
    const why = "connection (closed|reset)|cannot connect to \\S+: the server closed the connection";
    expect(sent.stdout).toMatch(new RegExp(`^b@y: deferral: (${why}) [^\\n]+\\n$`));
    await expectTaken(sink, "");
  });
});

const what = "mailfront behind stunnel, which demands client certificates";

describe.skipIf(skipsStunnel(what)).each(VERSIONS)(`${what}, with %s`, (_version, env) => {
  const startDemanding = () => startStunnel(made.good, [`CAfile = ${made.ca}`, "verifyChain = yes"]);

  test("takes a message from a client that has one", async () => {
    const server = await startDemanding();
    const args = ["--cacert", made.ca, ...identify(made.client)];
    expect(await sendTo(server.endpoint, args, { env })).toEqual({
      code: 0,
      signal: null,
      stdout: "b@y: success: 2.6.0 Message accepted.\n",
      stderr: "",
    });
    expect(server.stored()).toEqual([Buffer.from("a@x\0b@y\0hi\n")]);
  });

  test.each([
    ["no certificate", [], MISSING],
    ["a certificate of an unknown issuer", identify(made.strangeClient), STRANGE],
  ])("takes nothing from a client with %s", async (_what, args, why) => {
    const server = await startDemanding();
    await expectRefused(server.endpoint, args, why, env);
    expect(server.stored()).toEqual([]);
  });
});
