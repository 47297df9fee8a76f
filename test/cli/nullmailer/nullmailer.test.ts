import { afterEach, describe, expect, test } from "vitest";
import { makeCertificates } from "../../support/certificates.ts";
import { startSink } from "../../support/in-process.ts";
import { skipsDns, startNameServer } from "../../support/name-server.ts";
import { skipsNullmailer, startNullmailer } from "../../support/nullmailer.ts";
import { stopAll } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { startTlsSink } from "../../support/tls-sink.ts";
import { netstring } from "../../support/wire.ts";

afterEach(stopAll);

const noDns = skipsDns("nullmailer with servers named by DNS");
const portOf = (endpoint: string) => endpoint.replace(/^.*:/, "");
const remote = (endpoint: string, ...options: string[]) =>
  `127.0.0.1 qmtp port=${portOf(endpoint)} ${options.join(" ")}\n`;

describe.skipIf(skipsNullmailer("nullmailer"))("nullmailer", () => {
  test("sends what is in its queue", async () => {
    const sink = await startSink();
    const nullmailer = startNullmailer(remote(sink.endpoint));
    nullmailer.queue(["b@example.org", "c@example.org"]);
    const run = await nullmailer.send();
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("Sent file.");
    expect(await sink.nextLine()).toMatch(
      /^a@example\.net -> b@example\.org success, c@example\.org success; \d+ bytes, unix$/,
    );
    expect(nullmailer.files("queue")).toEqual([]);
  });

  test("keeps a message that is deferred, until it is accepted", async () => {
    const deferring = await startSink(["--defer", "^b@: full"]);
    const nullmailer = startNullmailer(remote(deferring.endpoint));
    nullmailer.queue(["b@example.org", "c@example.org"]);
    const first = await nullmailer.send();
    expect(first.stdout).toContain("Sending failed: Temporary error in sending the message\n");
    expect(first.stderr).toBe("nullmailer-qmtp: b@example.org: deferral: full\n");
    expect(nullmailer.files("queue")).toHaveLength(1);
    expect(nullmailer.files("failed")).toEqual([]);
    const accepting = await startSink();
    nullmailer.configure("remotes", remote(accepting.endpoint));
    expect((await nullmailer.send()).stdout).toContain("Sent file.");
    expect(await accepting.nextLine()).toContain("-> b@example.org success, c@example.org success;");
    expect(nullmailer.files("queue")).toEqual([]);
  });

  test("bounces a message that is refused; the bounce quotes the server, and is sent", async () => {
    const sink = await startSink(["--reject", "^b@: no such user"]);
    const nullmailer = startNullmailer(remote(sink.endpoint));
    nullmailer.queue(["b@example.org"]);
    expect((await nullmailer.send()).stdout).toContain("Generating bounce for");
    expect(nullmailer.files("failed")).toHaveLength(1);
    const [bounce = ""] = nullmailer.files("queue");
    expect(bounce).toMatch(/^\na@example\.net\n\n/);
    expect(bounce).toContain("\nDiagnostic-Code: QMTP; b@example.org: failure: no such user\n");
    await sink.nextLine();
    await nullmailer.send();
    expect(await sink.nextLine()).toMatch(/^<> -> a@example\.net success;/);
  });

  test("sends what is left after the first remote to the next", async () => {
    const sink = await startSink();
    const nullmailer = startNullmailer(`127.0.0.1 qmtp port=9\n${remote(sink.endpoint)}`);
    nullmailer.queue(["b@example.org"]);
    const run = await nullmailer.send();
    expect(run.stdout).toContain("Sending failed: Connection failed\n");
    expect(run.stdout).toContain("Sent file.");
    expect(nullmailer.files("queue")).toEqual([]);
  });

  test("sends over TLS, if the server is trusted", async () => {
    const certificates = makeCertificates();
    const sink = await startTlsSink(certificates.good);
    const nullmailer = startNullmailer(remote(sink.endpoint, "--tls"));
    nullmailer.queue(["b@example.org"]);
    const untrusting = await nullmailer.send();
    expect(untrusting.stdout).toContain("Sending failed: Connection failed\n");
    expect(untrusting.stderr).toContain("certificate not valid for '127.0.0.1'");
    nullmailer.configure(
      "remotes",
      remote(sink.endpoint, "ssl", `x509cafile='${certificates.ca}'`, "source=127.0.0.1"),
    );
    const run = await nullmailer.send();
    expect(run).toMatchObject({ code: 0, stderr: "" });
    expect(run.stdout).toContain("Sent file.");
  });

  test("shows its certificate to a server that requires one", async () => {
    const { good, client, ca } = makeCertificates();
    const sink = await startTlsSink(good, ["--cacert", ca]);
    const files = [`x509cafile=${ca}`, `x509certfile=${client.cert}`, `x509keyfile=${client.key}`];
    const nullmailer = startNullmailer(remote(sink.endpoint, "tls", ...files));
    nullmailer.queue(["b@example.org"]);
    expect(await nullmailer.send()).toMatchObject({ code: 0, stderr: "" });
    expect(nullmailer.files("queue")).toEqual([]);
  });

  test("takes the options of qmtp send, too", async () => {
    const silent = await startScriptedServer();
    const nullmailer = startNullmailer(remote(silent.endpoint, "--timeout=0.1"));
    nullmailer.queue(["b@example.org"]);
    expect((await nullmailer.send()).stderr).toMatch(/b@example\.org: deferral: idle for 0\.1 s/);
  });

  test.each([
    ["user=joe", "unknown option '--user'"],
    ["starttls", "unknown option '--starttls'"],
    ["port=x", "option '-p, --port <port>' does not accept 'x'"],
    ["x509cafile=/none.pem --tls", "cannot read /none.pem"],
    ["x509cafile=/none.pem", "--cacert is for TLS"],
  ])("keeps mail if it has the option %s, and logs why", async (options, why) => {
    const nullmailer = startNullmailer(`127.0.0.1 qmtp ${options}\n`);
    nullmailer.queue(["b@example.org"]);
    const run = await nullmailer.send();
    expect(run.stdout).toMatch(/Sending failed: /);
    expect(run.stderr).toContain(why);
    expect(nullmailer.files("queue")).toHaveLength(1);
  });

  test("keeps mail if the response is lost, and if node is missing", async () => {
    const reply = "5:Kok";
    const server = await startScriptedServer({ reply, after: 100, close: true });
    const nullmailer = startNullmailer(remote(server.endpoint));
    nullmailer.queue(["b@example.org"]);
    const run = await nullmailer.send();
    expect(run.stdout).toContain("Sending failed: ");
    expect(run.stderr).toContain("b@example.org: deferral: ");
    const without = await nullmailer.send({ PATH: "/nonexistent" });
    expect(without.stdout).toContain("Sending failed: ");
    expect(nullmailer.files("queue")).toHaveLength(1);
    expect(nullmailer.files("failed")).toEqual([]);
  });

  test("stops a message that takes longer than sendtimeout", async () => {
    const server = await startScriptedServer();
    const nullmailer = startNullmailer(remote(server.endpoint));
    nullmailer.configure("sendtimeout", "1\n");
    nullmailer.queue(["b@example.org"]);
    const run = await nullmailer.send();
    expect(server.connections).toBe(1);
    expect(run.stdout).toContain("Sending timed out");
    expect(run.stderr).toContain("b@example.org: deferral: interrupted by SIGTERM");
    expect(nullmailer.files("queue")).toHaveLength(1);
  });

  test.skipIf(noDns)("sends to the exchangers of a domain", async () => {
    const server = await startScriptedServer({ reply: netstring("Kok 1"), after: 100 });
    const dns = await startNameServer([
      "mx-host=example.org,a.example.org,12801",
      "host-record=a.example.org,127.0.0.1",
    ]);
    const nullmailer = startNullmailer(`mx:example.org qmtp port=${server.port}\n`);
    nullmailer.queue(["b@example.org"], `Subject: hi\n\n${"hello\n".repeat(20)}`);
    expect((await nullmailer.send({ DNSCACHEIP: dns })).stdout).toContain("Sent file.");
  });
});
