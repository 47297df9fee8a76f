import { expect, test } from "vitest";
import { nameServer } from "../../src/transport/name-server.ts";

test.each([
  "192.0.2.1",
  "192.0.2.1:53",
  "192.0.2.1:65535",
  "2001:db8::1",
  "[2001:db8::1]",
  "[2001:db8::1]:53",
])("DNSCACHEIP may be %s", (text) => {
  expect(nameServer({ DNSCACHEIP: text })).toBe(text);
});

test("without DNSCACHEIP, or if it is empty, the system's name servers are asked", () => {
  expect(nameServer({})).toBeUndefined();
  expect(nameServer({ DNSCACHEIP: "" })).toBeUndefined();
});

test.each([
  "localhost",
  "192.0.2.1:0",
  "192.0.2.1:65536",
  "192.0.2.1:",
  "192.0.2.256",
  "[192.0.2.1]:53",
  "x\ny",
])("DNSCACHEIP may not be %j", (text) => {
  expect(() => nameServer({ DNSCACHEIP: text })).toThrow(
    `DNSCACHEIP does not accept '${text}': write address, address:port or [address]:port`,
  );
});
