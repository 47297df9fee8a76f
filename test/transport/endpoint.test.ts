import { describe, expect, test } from "vitest";
import { formatEndpoint, parseEndpoint } from "../../src/transport/endpoint.ts";

test.each([
  ["mx.example.org", "qmtp://mx.example.org:209"],
  ["mx.example.org:2090", "qmtp://mx.example.org:2090"],
  ["192.0.2.1", "qmtp://192.0.2.1:209"],
  ["[2001:db8::1]", "qmtp://[2001:db8::1]:209"],
  ["[2001:db8::1]:2090", "qmtp://[2001:db8::1]:2090"],
  ["[fe80::1%eth0]:209", "qmtp://[fe80::1%eth0]:209"],
  ["qmtp://mx.example.org", "qmtp://mx.example.org:209"],
  ["QMTP://mx.example.org:65535", "qmtp://mx.example.org:65535"],
  ["qmtp://[2001:db8::1]:1", "qmtp://[2001:db8::1]:1"],
  ["qmtps://mx.example.org", "qmtps://mx.example.org:6209"],
  ["qmtp://mx.example.org/", "qmtp://mx.example.org:209"],
  ["qmtp://[2001:db8::1]/", "qmtp://[2001:db8::1]:209"],
  ["qmtps://mx.example.org:6209/", "qmtps://mx.example.org:6209"],
  ["QMTPS://[2001:db8::1]:2090", "qmtps://[2001:db8::1]:2090"],
  ["exec:mailfront qmtp echo accept", "exec:mailfront qmtp echo accept"],
  ["exec:cd /tmp && ./server --port=1:2", "exec:cd /tmp && ./server --port=1:2"],
  ["ucspi:", "ucspi:"],
  ["mx:example.org", "mx:example.org"],
  ["mx:example.org:209", "mx:example.org"],
  ["mx:example.org:2090", "mx:example.org:2090"],
  ["unix:/run/qmtp.sock", "unix:/run/qmtp.sock"],
  ["unix:/with space:and colon", "unix:/with space:and colon"],
])("%s is %s, which parses to itself", (text, formatted) => {
  expect(formatEndpoint(parseEndpoint(text))).toBe(formatted);
  expect(formatEndpoint(parseEndpoint(formatted))).toBe(formatted);
});

describe("an invalid endpoint is refused, with the reason and the valid forms", () => {
  test.each([
    ["", "the host is missing"],
    [":209", "the host is missing"],
    ["qmtp://", "the host is missing"],
    ["host:", "'host:' is unknown, or the port is not a number"],
    ["host:0", "a port is a number from 1 to 65535"],
    ["host:65536", "a port is a number from 1 to 65535"],
    ["host:99999999999999999999", "a port is a number from 1 to 65535"],
    ["192.0.2.1:x", "a port is a number from 1 to 65535"],
    ["::1", "put an IPv6 address in brackets"],
    ["2001:db8::1", "put an IPv6 address in brackets"],
    ["[localhost]:209", "brackets are for IPv6 addresses"],
    ["a b", "this is not a host name"],
    ["user@host", "this is not a host name"],
    ["qmtp://host/path", "this is not a host name"],
    ["qmtp://host//", "this is not a host name"],
    ["host/", "this is not a host name"],
    ["qmtp:///", "the host is missing"],
    ["one,two", "this is not a host name"],
    ["one;two", "this is not a host name"],
    ["smtp://host", "'smtp:' is unknown"],
    ["qmtps://", "the host is missing"],
    ["ucspi:6", "'ucspi:' takes no argument"],
    ["mx:", "the host is missing"],
    ["mx:a b", "this is not a host name"],
    ["mx:209", "a domain follows 'mx:'"],
    ["mx:example.org:0", "a port is a number from 1 to 65535"],
    ["mx://example.org", "a domain follows 'mx:'"],
    ["exec:", "the command is missing"],
    ["exec: \t", "the command is missing"],
    ["tcp:host", "'tcp:' is unknown, or the port is not a number"],
    ["unix:relative", "the path must begin with /"],
  ])("%j: %s", (text, why) => {
    expect(() => parseEndpoint(text)).toThrow(
      `bad endpoint '${text}': ${why}; write host, host:port, [address]:port, ` +
        "qmtp://host:port, qmtps://host:port, unix:/path, exec:command, ucspi: or mx:domain",
    );
  });
});

test("a default port applies to endpoints that name none, with TLS or not", () => {
  const formatted = (text: string) => formatEndpoint(parseEndpoint(text, { port: 2_090 }));
  expect(["a", "a:1", "qmtps://a", "qmtps://a:1"].map(formatted)).toEqual([
    "qmtp://a:2090",
    "qmtp://a:1",
    "qmtps://a:2090",
    "qmtps://a:1",
  ]);
});

test("port zero is for listening only", () => {
  expect(parseEndpoint("127.0.0.1:0", { port: 2_090, lowest: 0 })).toEqual({
    kind: "tcp",
    host: "127.0.0.1",
    port: 0,
  });
  expect(parseEndpoint("127.0.0.1", { port: 2_090, lowest: 0 })).toEqual({
    kind: "tcp",
    host: "127.0.0.1",
    port: 2_090,
  });
});
