import { describe, expect, test } from "vitest";
import { Routes } from "../../src/qmail/routes.ts";
import { formatEndpoint } from "../../src/transport/endpoint.ts";

const lines = (text: string) =>
  text.split("\n").map((line, index) => ({ text: line, origin: `routes, line ${index + 1}` }));

/** The route as text: an endpoint, "exchangers", "smtp" or "dns". */
function route(
  host: string,
  qmtproutes: string,
  smtproutes = "",
  { sender = "a@x", port = undefined as number | undefined } = {},
) {
  const found = new Routes(lines(qmtproutes), lines(smtproutes)).find(host, sender === "", port);
  if (found === undefined) return "dns";
  return found.kind === "relay" ? formatEndpoint(found.endpoint) : found.kind;
}

describe("the most specific key counts:", () => {
  test.each([
    ["the host", "af.mil:one\n.af.mil:two\n:three", "af.mil", "qmtp://one:209"],
    ["a suffix", "af.mil:one\n.af.mil:two\n:three", "heaven.af.mil", "qmtp://two:209"],
    ["the longest suffix", ".mil:one\n.af.mil:two", "heaven.af.mil", "qmtp://two:209"],
    ["a suffix begins with a dot", ".af.mil:one", "af.mil", "dns"],
    ["the key without a dot is no suffix", "af.mil:one", "heaven.af.mil", "dns"],
    ["the empty key is for all", "af.mil:one\n:three", "example.org", "qmtp://three:209"],
    ["keys have no case", "AF.Mil:one", "af.mIL", "qmtp://one:209"],
    ["of equal keys, the last one", "af.mil:one\naf.mil:two", "af.mil", "qmtp://two:209"],
    ["a line without a colon is no route", "af.mil", "af.mil", "dns"],
  ])("%s", (_, qmtproutes, host, expected) => {
    expect(route(host, qmtproutes)).toBe(expected);
  });
});

describe("both files are looked up together:", () => {
  test.each([
    ["QMTP before SMTP for equal keys", "af.mil:one", "af.mil:smtp", "qmtp://one:209"],
    ["a specific SMTP route before a wildcard QMTP route", ":one", ".mil:smtp", "smtp"],
    ["a specific QMTP route before a wildcard SMTP route", ".mil:one", ":smtp", "qmtp://one:209"],
    ["an empty SMTP relay is for SMTP too", ":one", "af.mil:", "smtp"],
  ])("%s", (_, qmtproutes, smtproutes, expected) => {
    expect(route("af.mil", qmtproutes, smtproutes)).toBe(expected);
  });

  test("the null sender has a key of its own, which goes first", () => {
    const routes = ["!@:bounces\naf.mil:one", ""] as const;
    expect(route("af.mil", ...routes, { sender: "" })).toBe("qmtp://bounces:209");
    expect(route("af.mil", ...routes)).toBe("qmtp://one:209");
    expect(route("af.mil", "af.mil:one", "!@:smtp", { sender: "" })).toBe("smtp");
  });
});

describe("a relay can be", () => {
  test.each([
    ["relay", "qmtp://relay:209"],
    ["relay:2090", "qmtp://relay:2090"],
    ["relay;2090", "qmtp://relay:2090"],
    ["relay;6209", "qmtps://relay:6209"],
    ["relay:6209", "qmtps://relay:6209"],
    ["192.0.2.1:2090", "qmtp://192.0.2.1:2090"],
    ["[2001:db8::1]:2090", "qmtp://[2001:db8::1]:2090"],
    ["[2001:db8::1];6209", "qmtps://[2001:db8::1]:6209"],
    ["qmtps://relay", "qmtps://relay:6209"],
    ["qmtp://relay:6209", "qmtp://relay:6209"],
    ["unix:/run/qmtp;1", "unix:/run/qmtp;1"],
    ["exec:mailfront qmtp qmail", "exec:mailfront qmtp qmail"],
    ["mx:example.org", "mx:example.org"],
    ["", "exchangers"],
  ])("%j", (relay, expected) => {
    expect(route("af.mil", `af.mil:${relay}`)).toBe(expected);
  });

  test("without a port, with that of the options", () => {
    expect(route("af.mil", ":relay", "", { port: 2_090 })).toBe("qmtp://relay:2090");
  });

  test.each(["a b", "relay;x", "relay:0", "ucspi:", "relay;2090;1"])(
    "but not %j, and the line is named",
    (relay) => {
      expect(() => route("af.mil", `a:b\naf.mil:${relay}`)).toThrow(/^routes, line 2: /);
      expect(route("example.org", `a:b\naf.mil:${relay}`)).toBe("dns");
    },
  );
});
