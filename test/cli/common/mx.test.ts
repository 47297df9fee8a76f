import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { brokenNameServer, emptyResponse, skipsDns, startNameServer } from "../../support/name-server.ts";
import { finished, startQmtp, stopAll } from "../../support/processes.ts";
import { untimed } from "../../support/transcripts.ts";

afterEach(stopAll);

const noDns = skipsDns("servers named by DNS");

/** The port of an endpoint as the sink prints it. */
const portOf = (endpoint: string) => endpoint.replace(/^.*:/, "");

interface Given {
  readonly dns: string;
  readonly port?: string;
  readonly args?: readonly string[];
}

function send(endpoint: string, { dns, port = "209", args = [] }: Given) {
  const server = ["-s", endpoint, "-p", port, ...args];
  return qmtp(["send", ...server, "-f", "a@example.org", "b@example.org", "c@example.org"], {
    input: "hi\n",
    env: { DNSCACHEIP: dns },
  });
}

const both = (status: string, text: string) =>
  `b@example.org: ${status}: ${text}\nc@example.org: ${status}: ${text}\n`;

describe.skipIf(noDns)("mx:domain", () => {
  test("is the exchanger whose preference says QMTP, and no other", async () => {
    const sink = await startSink();
    const port = portOf(sink.endpoint);
    const dns = await startNameServer([
      "mx-host=example.org,smtp.example.org,10",
      "mx-host=example.org,smtps.example.org,12802",
      "mx-host=example.org,qmtp.example.org,12801",
      "host-record=qmtp.example.org,127.0.0.1",
      "host-record=smtp.example.org,127.0.0.2",
    ]);
    const sent = await send("mx:example.org", { dns, port, args: ["--json", "-v"] });
    expect(sent.code).toBe(0);
    expect(JSON.parse(sent.stdout).server).toEqual({
      endpoint: `mx:example.org:${port}`,
      exchanger: "qmtp.example.org",
      preference: 12_801,
      address: "127.0.0.1",
      port: Number(port),
      tls: null,
    });
    expect(untimed(sent.stderr).slice(0, 6)).toEqual([
      "* looking up the mail exchangers of example.org",
      "* MX 10 smtp.example.org",
      "* MX 12801 qmtp.example.org, which speaks QMTP",
      "* MX 12802 smtps.example.org",
      `* connecting to qmtp://qmtp.example.org:${port} at 127.0.0.1`,
      `* connected to 127.0.0.1 port ${port}`,
    ]);
  });

  test("tries the exchangers in order of preference, each with all its addresses", async () => {
    const sink = await startSink();
    const port = portOf(sink.endpoint);
    const dns = await startNameServer([
      "mx-host=example.org,third.example.org,12833",
      "mx-host=example.org,first.example.org,12801",
      "mx-host=example.org,second.example.org,12817",
      "host-record=first.example.org,127.0.0.2",
      "host-record=second.example.org,127.0.0.3",
      "host-record=second.example.org,127.0.0.1",
      "host-record=third.example.org,127.0.0.4",
    ]);
    const sent = await send("mx:example.org", { dns, port, args: ["-v"] });
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/^b@example.org: success: ok/) });
    const events = untimed(sent.stderr).filter((line) => /connect/.test(line));
    expect(events[0]).toBe(`* connecting to qmtp://first.example.org:${port} at 127.0.0.2`);
    expect(events[1]).toBe(
      `* cannot connect to qmtp://first.example.org:${port}: connection refused (127.0.0.2)`,
    );
    expect(events[2]).toMatch(
      /^\* connecting to qmtp:\/\/second\.example\.org:\d+ at 127\.0\.0\.[13], 127\.0\.0\.[13]$/,
    );
    expect(events[3]).toBe(`* connected to 127.0.0.1 port ${port}`);
    expect(sent.stderr).not.toContain("qmtp://third");
  });

  test("follows an alias of the domain", async () => {
    const sink = await startSink();
    const dns = await startNameServer([
      "cname=alias.example.org,example.org",
      "mx-host=example.org,qmtp.example.org,12801",
      "host-record=qmtp.example.org,127.0.0.1",
    ]);
    const sent = await send("mx:alias.example.org", { dns, port: portOf(sink.endpoint) });
    expect(sent).toMatchObject({ code: 0, stderr: "" });
  });

  test("tries no other exchanger once there was a connection", async () => {
    const closing = createServer((socket) => socket.destroy());
    onTestFinished(() => void closing.close());
    await once(closing.listen(0, "127.0.0.2"), "listening");
    const { port } = closing.address() as { port: number };
    let connections = 0;
    const other = createServer(() => connections++);
    onTestFinished(() => void other.close());
    await once(other.listen(port, "127.0.0.3"), "listening");
    const dns = await startNameServer([
      "mx-host=example.org,first.example.org,12801",
      "mx-host=example.org,second.example.org,12817",
      "host-record=first.example.org,127.0.0.2",
      "host-record=second.example.org,127.0.0.3",
    ]);
    const sent = await send("mx:example.org", { dns, port: String(port) });
    expect(sent.code).toBe(111);
    expect(sent.stdout).toMatch(/^b@example.org: deferral: /);
    expect(connections).toBe(0);
  });

  test("equal preferences share the load", async () => {
    const dns = await startNameServer([
      "mx-host=example.org,one.example.org,12801",
      "mx-host=example.org,two.example.org,12801",
      "host-record=one.example.org,192.0.2.1",
      "host-record=two.example.org,192.0.2.2",
    ]);
    const first = new Set<string>();
    for (let tries = 0; first.size < 2 && tries < 100; tries++) {
      const { stdout } = await send("mx:example.org", { dns, args: ["--dry-run"] });
      first.add(stdout.split("\n")[1] as string);
    }
    expect([...first].toSorted()).toEqual([
      "exchanger: one.example.org, preference 12801, at 192.0.2.1 port 209",
      "exchanger: two.example.org, preference 12801, at 192.0.2.2 port 209",
    ]);
  });

  test("--dry-run prints the servers that it means, and connects to none", async () => {
    const dns = await startNameServer([
      "mx-host=example.org,second.example.org,12817",
      "mx-host=example.org,first.example.org,12801",
      "mx-host=example.org,gone.example.org,12833",
      "host-record=first.example.org,192.0.2.1,2001:db8::1",
      "host-record=second.example.org,192.0.2.2",
    ]);
    const { stdout, code } = await send("mx:example.org", { dns, args: ["--dry-run"] });
    expect(code).toBe(0);
    expect(stdout.split("\n").slice(0, 4)).toEqual([
      "server: mx:example.org",
      "exchanger: first.example.org, preference 12801, at 192.0.2.1, 2001:db8::1 port 209",
      "exchanger: second.example.org, preference 12817, at 192.0.2.2 port 209",
      "sender: a@example.org",
    ]);
    const json = await send("mx:example.org", { dns, args: ["--dry-run", "--json", "-4"] });
    expect(JSON.parse(json.stdout)).toMatchObject({
      endpoints: ["mx:example.org"],
      exchangers: [
        {
          endpoint: "mx:example.org",
          exchanger: "first.example.org",
          preference: 12_801,
          addresses: ["192.0.2.1"],
          port: 209,
        },
        { exchanger: "second.example.org", preference: 12_817, addresses: ["192.0.2.2"] },
      ],
    });
  });

  test.each([
    [
      "smtp.example.org",
      "none of the domain's exchangers speaks QMTP: 10 a.example.org, 12802 b.example.org",
    ],
    ["no-mx.example.org", "the domain has no MX record"],
    ["no-mail.example.org", "none of the domain's exchangers speaks QMTP: 0 ."],
    ["nowhere.example.org", "there is no such domain"],
    ["no-address.example.org", "its exchanger gone.example.org has no address"],
    ["no-host.example.org", "its exchanger . has no address"],
  ])("%s: %s, which is permanent", async (domain, why) => {
    const dns = await startNameServer([
      "mx-host=smtp.example.org,a.example.org,10",
      "mx-host=smtp.example.org,b.example.org,12802",
      "host-record=no-mx.example.org,127.0.0.1",
      "dns-rr=no-mail.example.org,15,000000",
      "mx-host=no-address.example.org,gone.example.org,12801",
      "dns-rr=no-host.example.org,15,320100",
    ]);
    const text = `cannot connect to mx:${domain}: ${why}`;
    const sent = await send(`mx:${domain}`, { dns });
    expect(sent).toEqual({ code: 100, signal: null, stdout: both("failure", text), stderr: "" });
    const json = JSON.parse((await send(`mx:${domain}`, { dns, args: ["--json"] })).stdout);
    expect(json).toMatchObject({ exitCode: 100, error: { code: "no-exchanger", fault: "remote" } });
    const dry = await send(`mx:${domain}`, { dns, args: ["--dry-run"] });
    expect(dry).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${text}\n` });
  });

  test("may have dozens of exchangers", async () => {
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    const dns = await startNameServer([
      ...numbers.map((number) => `mx-host=example.org,mx${number}.example.org,12801`),
      ...numbers.map((number) => `host-record=mx${number}.example.org,192.0.2.${number}`),
    ]);
    const args = ["send", "-n", "-s", "mx:example.org", "-f", "a@example.org", "b@example.org"];
    const child = startQmtp(args, { env: { DNSCACHEIP: dns }, stdio: ["ignore", "pipe", "pipe"] });
    const { code, stdout, stderr } = await finished(child);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.match(/^exchanger: /gm)).toHaveLength(60);
  });

  test("can be pinged and checked", async () => {
    const sink = await startSink();
    const port = portOf(sink.endpoint);
    const env = {
      DNSCACHEIP: await startNameServer([
        "mx-host=example.org,mx.example.org,12801",
        "host-record=mx.example.org,127.0.0.1",
        "mx-host=smtp.example.org,a.example.org,10",
      ]),
    };
    const server = ["-s", "mx:example.org", "-p", port];
    const pinged = await qmtp(["ping", ...server], { env });
    expect(pinged.code).toBe(0);
    expect(pinged.stdout).toMatch(
      /^mx:example\.org:\d+: connected to mx\.example\.org, 127\.0\.0\.1 port \d+ in [\d.]+ ms\n$/,
    );
    const checked = await qmtp(["check", ...server, "--only", "2/silent-at-connect", "--json"], { env });
    for (const { stdout } of [await qmtp(["ping", ...server, "--json"], { env }), checked]) {
      expect(JSON.parse(stdout).server).toMatchObject({
        endpoint: `mx:example.org:${port}`,
        exchanger: "mx.example.org",
        preference: 12_801,
        address: "127.0.0.1",
      });
    }
    for (const command of ["ping", "check"]) {
      expect(await qmtp([command, "-s", "mx:smtp.example.org"], { env })).toMatchObject({ code: 100 });
      expect(await qmtp([command, "-s", "mx:example.net"], { env })).toMatchObject({ code: 111 });
    }
  });

  test("is checked at one of its exchangers only, which is named", async () => {
    const open = createServer((socket) => socket.resume());
    onTestFinished(() => void open.close());
    await once(open.listen(0, "127.0.0.2"), "listening");
    const { port } = open.address() as { port: number };
    let others = 0;
    const other = createServer((socket) => {
      others++;
      socket.resume();
    });
    onTestFinished(() => void other.close());
    await once(other.listen(port, "127.0.0.3"), "listening");
    const numbers = Array.from({ length: 20 }, (_, index) => index);
    const env = {
      DNSCACHEIP: await startNameServer([
        "mx-host=example.org,one.example.org,12801",
        "host-record=one.example.org,127.0.0.2",
        ...numbers.map((number) => `mx-host=example.org,mx${number}.example.org,12801`),
        ...numbers.map((number) => `host-record=mx${number}.example.org,127.0.0.3`),
      ]),
    };
    const args = ["check", "-s", "mx:example.org", "-p", String(port), "--only", "2/silent-at-connect"];
    const { stdout, code } = await qmtp(args, { env });
    expect(code).toBe(0);
    const named = /^Server: \w+\.example\.org, (127\.0\.0\.[23]) port \d+$/m.exec(stdout)?.[1];
    // The first connection finds the server, the second is that of the case.
    expect(others).toBe(named === "127.0.0.3" ? 2 : 0);
  });

  test("that has no exchanger is passed over for the next server", async () => {
    const sink = await startSink();
    const dns = await startNameServer(["mx-host=example.org,a.example.org,10"]);
    const sent = await send("mx:example.org", { dns, args: ["-s", sink.endpoint] });
    expect(sent).toMatchObject({ code: 0, stderr: "" });
  });

  test("and another server: what may pass decides the exit code", async () => {
    const dns = await startNameServer(["mx-host=example.org,a.example.org,10"]);
    const sent = await send("mx:example.org", { dns, args: ["-s", "unix:/nonexistent/socket"] });
    expect(sent.code).toBe(111);
    expect(sent.stdout).toMatch(
      /^b@example\.org: deferral: cannot connect to mx:example\.org: .*no such file/,
    );
  });
});

describe("a name server that does not answer is a temporary problem:", () => {
  const asked = "cannot look up the mail exchangers of example.org";

  test.each([
    ["fails", 2, "the name server failed"],
    ["does not know the question", 4, "the name server does not support the question"],
    ["refuses", 5, "the name server refuses to answer"],
  ])("it %s", async (_, code, why) => {
    const dns = await brokenNameServer((question, server, client) =>
      server.send(emptyResponse(question, code), client.port, client.address),
    );
    const sent = await send("mx:example.org", { dns });
    expect(sent).toEqual({
      code: 111,
      signal: null,
      stdout: both("deferral", `${asked}: ${why}`),
      stderr: "",
    });
  });

  test("it is not there", async () => {
    const sent = await send("mx:example.org", { dns: "127.0.0.1:9" });
    expect(sent.code).toBe(111);
    expect(sent.stdout).toMatch(
      /^b@example\.org: deferral: cannot look up .*\nc@example\.org: deferral: .*\n$/,
    );
  });

  test("it is silent; the time limit on connecting includes DNS", async () => {
    const dns = await brokenNameServer(() => {});
    const sent = await send("mx:example.org", { dns, args: ["--connect-timeout", "0.2", "--json"] });
    expect(sent.code).toBe(111);
    expect(JSON.parse(sent.stdout).error).toEqual({
      code: "connect-timeout",
      fault: "transport",
      message: "cannot connect to mx:example.org: no answer from DNS within 0.2 s",
    });
  });

  test("a signal ends the wait", async () => {
    let asked: () => void = () => {};
    const question = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const dns = await brokenNameServer(() => asked());
    const to = ["b@example.org", "c@example.org"];
    const child = startQmtp(["send", "-s", "mx:example.org", "-f", "a@example.org", ...to], {
      env: { DNSCACHEIP: dns },
      stdio: ["ignore", "pipe", "pipe"],
    });
    await question;
    child.kill("SIGTERM");
    expect(await finished(child)).toMatchObject({
      code: 111,
      stdout: both("deferral", "interrupted by SIGTERM"),
    });
  });
});

describe.skipIf(noDns)("the time limit on connecting", () => {
  test("applies to each exchanger", async () => {
    const port = await portThatNeverAnswers();
    const dns = await startNameServer([
      "mx-host=example.org,first.example.org,12801",
      "mx-host=example.org,second.example.org,12817",
      "host-record=first.example.org,127.0.0.1",
      "host-record=second.example.org,127.0.0.2",
    ]);
    const args = ["--connect-timeout", "0.3"];
    const sent = await send("mx:example.org", { dns, port: String(port), args });
    expect(sent.code).toBe(111);
    expect(sent.stdout.split("\n")[0]).toBe(
      `b@example.org: deferral: cannot connect to qmtp://first.example.org:${port}: no connection within 0.3 s; ` +
        `cannot connect to qmtp://second.example.org:${port}: connection refused (127.0.0.2)`,
    );
  });
});

test("DNSCACHEIP that is not an address is a usage error, if DNS is asked", async () => {
  const sent = await send("mx:example.org", { dns: "dns.example.org" });
  expect(sent).toEqual({
    code: 100,
    signal: null,
    stdout: "",
    stderr:
      "qmtp: DNSCACHEIP does not accept 'dns.example.org': write address, address:port or [address]:port\n",
  });
  const sink = await startSink();
  expect((await send(sink.endpoint, { dns: "dns.example.org" })).code).toBe(0);
});

test("the sink cannot listen on mx:", async () => {
  expect(await qmtp(["sink", "--listen", "mx:example.org"])).toMatchObject({
    code: 100,
    stderr: "qmtp: cannot listen on mx:; give --listen another endpoint\n",
  });
});
