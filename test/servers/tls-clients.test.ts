import { afterEach, describe, expect, test } from "vitest";
import { type Identity, makeCertificates } from "../certificates.ts";
import { stopAll } from "../processes.ts";
import { skipsStunnel, startStunnel } from "./stunnel.ts";
import { expectTaken, reportOf, sendTo, startTlsSink, succeeded, TAKEN } from "./tls-sink.ts";

afterEach(stopAll);

const made = makeCertificates();
const identify = ({ cert, key }: Identity) => ["--cert", cert, "--key", key];
const VERSIONS = [
  ["TLSv1.3", {}],
  ["TLSv1.2", { NODE_OPTIONS: "--tls-max-v1.2" }],
] as const;

/** TLS 1.2 has no alert of its own for it. */
const MISSING =
  /^the server (demands a client certificate: give|.* or demands a client certificate \().*--cert/;
const STRANGE = /^the server (does not know the issuer of|refuses) our certificate \(--cert\)/;

/** A client that the server does not want: no success, and no duplicate when it is sent again. */
async function expectRefused(
  endpoint: string,
  args: readonly string[],
  why: RegExp,
  env: Record<string, string>,
): Promise<void> {
  // The small one is written before the alert comes, the large one is not.
  for (const input of ["hi\n", Buffer.alloc(8_000_000, "thirty bytes and a line feed.\n")]) {
    const told = await sendTo(endpoint, ["--cacert", made.ca, "--json", ...args], { env, input });
    expect(told).toMatchObject({ code: 111, stderr: "" });
    const { deliveries, error } = reportOf(told);
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
    const told = await sendTo(sink.endpoint, [...args, "--json"], { env });
    expect(reportOf(told)).toMatchObject({ server: { tls: { version, verified: true } } });
    await expectTaken(sink, TAKEN + TAKEN);
  });

  test("takes nothing from a client that has none", async () => {
    const sink = await startDemanding();
    await expectRefused(sink.endpoint, [], MISSING, env);
    await expectTaken(sink, "");
  });

  // Node's servers close without an alert then: with TLS 1.3, that may have been after they read the message.
  test.each([
    ["of an unknown issuer", made.strangeClient],
    ["that is signed by itself", made.selfSigned],
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
