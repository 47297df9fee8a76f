import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, onTestFinished, test } from "vitest";
import { qmtp, startSink } from "../../support/in-process.ts";
import { emptyQmailHome, mail, maildirWith } from "../../support/maildirs.ts";
import type { Finished } from "../../support/processes.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

const FORMS =
  "host, host:port, [address]:port, qmtp://host:port, qmtps://host:port, unix:/path, exec:command, ucspi: or mx:domain";
const PORT_RANGE = "write a whole number, 1 or more and at most 65535";

const hasIpv6 = Object.values(networkInterfaces()).some((all) =>
  all?.some(({ address }) => address === "::1"),
);
if (!hasIpv6) console.log("skipped: connections over IPv6 (this machine has no address ::1)");

const send = (...args: string[]) => qmtp(["send", "-f", "a@x", ...args, "b@y"], { input: "hi\n" });

/** Drops the summary and the lines about connecting again; the rest must read as it does from `send`. */
async function maildir(...args: string[]): Promise<Finished> {
  const folder = maildirWith({ "new/1.h": [9, mail("b@y")] });
  const run = await qmtp(["maildir", ...args, folder, ""], { env: emptyQmailHome() });
  return {
    ...run,
    stderr: run.stderr.replace(
      /^qmtp: (1 message: .*|1 message may be delivered twice: .*|.*; connecting again)\n/gm,
      "",
    ),
  };
}

const COMMANDS: ReadonlyArray<[string, typeof send, (text: string) => string]> = [
  ["send", send, (text) => `b@y: deferral: ${text}\n`],
  ["maildir", maildir, (text) => `new/1.h: b@y: deferral: ${text}\n`],
];

const usage = (text: string): Finished => ({
  code: 100,
  signal: null,
  stdout: "",
  stderr: `qmtp: ${text}\n`,
});
const success = {
  code: 0,
  signal: null,
  stderr: "",
  stdout: expect.stringMatching(/b@y: success: ok \d+ qp 1\n/),
};

/** The address a connection came from; the server closes it at once. */
async function clientAddress(host: string, run: (port: number) => Promise<Finished>): Promise<string> {
  const seen: string[] = [];
  const server = createServer((socket) => {
    seen.push(socket.remoteAddress ?? "");
    socket.destroy();
  }).listen(0, host);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { code, stderr } = await run((server.address() as AddressInfo).port);
  expect([code, stderr]).toEqual([111, ""]);
  return [...new Set(seen)].join();
}

describe.each(COMMANDS)("the route of qmtp %s", (_, run, line) => {
  test.skipIf(!hasIpv6)("reaches ::1", async () => {
    for (const options of [[], ["-6"], ["--source-ip", "::1"], ["-6", "--source-ip", "::1"]]) {
      const sink = await startSink(["--listen", "[::1]:0"]);
      expect(sink.endpoint).toMatch(/^qmtp:\/\/\[::1\]:\d+$/);
      expect(await run("-s", sink.endpoint, ...options)).toEqual(success);
    }
  });

  test("reaches a server that listens on 127.0.0.1 alone, by the name localhost", async () => {
    for (const options of [[], ["-4"], ["--source-ip", "127.0.0.2"]]) {
      const sink = await startSink();
      const [, port] = /:(\d+)$/.exec(sink.endpoint) ?? [];
      expect(await run("-s", `localhost:${port}`, ...options)).toEqual(success);
    }
  });

  test("starts from the address of --source-ip", async () => {
    const from = (port: number) => run("-s", `127.0.0.1:${port}`, "--source-ip", "127.0.0.2");
    expect(await clientAddress("127.0.0.1", from)).toBe("127.0.0.2");
  });

  test.each([
    ["-6", "127.0.0.1:1", "qmtp://127.0.0.1:1: this is an IPv4 address, but only IPv6 may be used"],
    ["-4", "[::1]:1", "qmtp://[::1]:1: this is an IPv6 address, but only IPv4 may be used"],
  ])("%s excludes %s, and no connection is tried", async (option, server, why) => {
    const sent = await run("-s", server, option);
    expect(sent).toMatchObject({ code: 111, stderr: "" });
    expect(sent.stdout).toEqual(line(`cannot connect to ${why}`));
  });

  test("does not connect to an address of the other family", async () => {
    const server = await startScriptedServer();
    for (const options of [["-6"], ["--source-ip", "::1"]]) {
      expect(await run("-s", server.endpoint, ...options)).toMatchObject({ code: 111, stderr: "" });
    }
    expect(server.connections).toBe(0);
  });

  test("reports a --source-ip that this host does not have", async () => {
    const server = await startScriptedServer();
    const sent = await run("-s", server.endpoint, "--source-ip", "203.0.113.7");
    expect(sent).toMatchObject({ code: 111, stderr: "" });
    expect(sent.stdout).toEqual(
      line(
        `cannot connect to qmtp://${server.endpoint} from 203.0.113.7: no such address on this host (203.0.113.7)`,
      ),
    );
  });

  test.each([
    [["-4", "-6"], "--ipv4 and --ipv6 cannot be combined"],
    [["--source-ip", "x"], "--source-ip does not accept 'x': write an IPv4 or IPv6 address"],
    [["--source-ip", ""], "--source-ip does not accept '': write an IPv4 or IPv6 address"],
    [
      ["--source-ip", "127.0.0.1:5"],
      "--source-ip does not accept '127.0.0.1:5': write an IPv4 or IPv6 address",
    ],
    [["-4", "--source-ip", "::1"], "--source-ip ::1 is an IPv6 address, and --ipv4 excludes it"],
    [["-6", "--source-ip", "127.0.0.1"], "--source-ip 127.0.0.1 is an IPv4 address, and --ipv6 excludes it"],
    [["-p", "0"], `option '-p, --port <port>' does not accept '0': ${PORT_RANGE}`],
    [["-p", "65536"], `option '-p, --port <port>' does not accept '65536': ${PORT_RANGE}`],
    [["-p", "x"], `option '-p, --port <port>' does not accept 'x': ${PORT_RANGE}`],
    [["-p", ""], `option '-p, --port <port>' does not accept '': ${PORT_RANGE}`],
  ])("%j is wrong usage", async (options, why) => {
    const server = await startScriptedServer();
    expect(await run("-s", server.endpoint, ...options)).toEqual(usage(why));
    expect(server.connections).toBe(0);
  });

  test("takes the port from --port if the endpoint names none", async () => {
    const sink = await startSink();
    const [, port = ""] = /:(\d+)$/.exec(sink.endpoint) ?? [];
    for (const server of ["127.0.0.1", "qmtp://127.0.0.1", "QMTP://127.0.0.1"]) {
      const sent = await run("-p", port, "-s", server);
      expect(sent).toMatchObject({ code: 0, stderr: "" });
    }
    expect((await run("-p", "1", "-s", sink.endpoint)).code).toBe(0);
  });
});

test.each([
  ["exec:", "the command is missing"],
  ["exec:  ", "the command is missing"],
  ["Exec:true", "'Exec:' is unknown, or the port is not a number"],
  ["ucspi:x", "'ucspi:' takes no argument"],
  ["unix:", "the path must begin with /"],
  ["unix:x", "the path must begin with /"],
  ["foo://h", "'foo:' is unknown"],
  ["qmtp://", "the host is missing"],
  ["", "the host is missing"],
  [":209", "the host is missing"],
  ["::1", "put an IPv6 address in brackets"],
  ["[::1", "put an IPv6 address in brackets"],
  ["[h]:209", "brackets are for IPv6 addresses"],
  ["h/x", "this is not a host name"],
  ["u@h", "this is not a host name"],
  ["a b", "this is not a host name"],
  ["127.0.0.1:0", "a port is a number from 1 to 65535"],
  ["127.0.0.1:65536", "a port is a number from 1 to 65535"],
  ["127.0.0.1:x", "a port is a number from 1 to 65535"],
  ["127.0.0.1:", "a port is a number from 1 to 65535"],
])("the endpoint '%s' is wrong usage", async (server, why) => {
  expect(await send("-s", server)).toEqual(usage(`bad endpoint '${server}': ${why}; write ${FORMS}`));
});

test("a dry run prints the port of each endpoint", async () => {
  const dry = await send("-n", "-p", "77", "-s", "h", "-s", "h:78", "-s", "qmtp://[::1]", "-s", "qmtps://h");
  expect(dry).toMatchObject({ code: 0, stderr: "" });
  for (const server of ["qmtp://h:77", "qmtp://h:78", "qmtp://[::1]:77", "qmtps://h:77"]) {
    expect(dry.stdout).toContain(server);
  }
});
