import { describe, expect, test } from "vitest";
import { QmtpError } from "../../src/errors.ts";
import { exchangerRoute } from "../../src/qmail/exchanger-route.ts";
import { OwnHost } from "../../src/qmail/own-host.ts";

type Records = Readonly<Record<string, readonly string[] | Error>>;

/** The servers by host, in order, or the kind of route. MX records are `preference host`; a missing name does not exist. */
async function route(
  host: string,
  mx: Records,
  a: Records = {},
  own = new OwnHost(["me.example.net"], ["192.0.2.99"]),
  qmtpOnly = false,
) {
  const dns = {
    exchangersOf: async (name: string) => {
      const found = mx[name];
      if (found instanceof Error) throw found;
      return found?.map((record) => {
        const [preference, exchanger = ""] = record.split(" ");
        return { preference: Number(preference), host: exchanger };
      });
    },
    addressesOf: async (name: string) => {
      const found = a[name] ?? [];
      if (found instanceof Error) throw found;
      return [...found];
    },
  };
  const { signal } = new AbortController();
  const options = { dns, own, qmtpOnly, family: undefined, addressesMs: 10_000, signal };
  const found = await exchangerRoute(host, options);
  return found.kind === "qmtp" ? found.servers.map((server) => server.host) : found.kind;
}

const failed = new QmtpError("dns-failed", "the name server failed");
const ADDRESSES = { a: ["192.0.2.1"], b: ["192.0.2.2"], c: ["192.0.2.3"] };

describe("a host is reached", () => {
  test.each<[string, string[], string | string[]]>([
    ["by QMTP if its exchangers speak it", ["12817 b", "12801 a"], ["a", "b"]],
    ["by SMTP if none does", ["10 a", "20 b"], "smtp"],
    ["by SMTP if the best does not", ["10 a", "12801 b"], "smtp"],
    ["by QMTP as far as the next that does not", ["12801 a", "12802 b", "12817 c"], ["a"]],
    ["by SMTP if it has no MX record", [], "smtp"],
    ["by SMTP if its MX record is null", ["0 ."], "smtp"],
    ["not by QMTP if its QMTP exchangers have no address", ["12801 x"], "no-address"],
    ["by those that have one", ["12801 x", "12817 b"], ["b"]],
  ])("%s", async (_, mx, expected) => {
    expect(await route("example.org", { "example.org": mx }, ADDRESSES)).toEqual(expected);
  });

  test.each(["192.0.2.1", "[192.0.2.1]", "2001:db8::1"])("by SMTP if it is the address %s", async (host) => {
    expect(await route(host, {})).toBe("smtp");
  });

  test("by SMTP if it has no name", async () => {
    expect(await route("", { "": ["12801 a"] }, ADDRESSES)).toBe("smtp");
  });

  test.each<[string, string[], string | string[]]>([
    ["behind others", ["10 a", "12801 b", "12802 a", "12817 c"], ["b", "c"]],
    ["if it has any", ["10 a"], "smtp"],
    ["with an address", ["12801 x", "10 a"], "no-address"],
    ["before this host", ["12801 b", "12817 me.example.net", "12833 c"], ["b"]],
    ["before this host, which does not speak it", ["12801 b", "12810 me.example.net", "12817 c"], ["b"]],
    ["before this host, not by SMTP", ["10 a", "12801 me.example.net", "12817 c"], "own"],
  ])("only by QMTP, to its exchangers %s", async (_, mx, expected) => {
    expect(await route("example.org", { "example.org": mx }, ADDRESSES, undefined, true)).toEqual(expected);
  });

  test("not at all if there is none of that name", async () => {
    expect(await route("example.org", {})).toBe("no-such-host");
  });

  test("later if DNS does not answer", async () => {
    await expect(route("example.org", { "example.org": failed })).rejects.toMatchObject({
      code: "dns-failed",
    });
  });

  test("by another exchanger if DNS does not tell the address of one", async () => {
    const mx = { "example.org": ["12801 a", "12817 b"] };
    expect(await route("example.org", mx, { ...ADDRESSES, a: failed })).toEqual(["b"]);
  });
});

describe("if this host is an exchanger, it and those behind it are left out:", () => {
  test.each<[string, string[], Records, string | string[]]>([
    ["by its name", ["12801 a", "12817 ME.example.net.", "12833 b"], ADDRESSES, ["a"]],
    ["by its address", ["12801 a", "12817 c", "12833 b"], { ...ADDRESSES, c: ["192.0.2.99"] }, ["a"]],
    [
      "those of equal preference too",
      ["12801 a", "12817 c", "12817 b"],
      { ...ADDRESSES, c: ["192.0.2.99"] },
      ["a"],
    ],
    ["if it is the best, it should have been local", ["12801 me.example.net", "12817 a"], ADDRESSES, "own"],
    ["0.0.0.0 is this host", ["12801 c"], { c: ["0.0.0.0"] }, "own"],
  ])("%s", async (_, mx, a, expected) => {
    expect(await route("example.org", { "example.org": mx }, a)).toEqual(expected);
  });
});
