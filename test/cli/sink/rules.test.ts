import { expect, test } from "vitest";
import { exchange } from "../../support/exchange.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { netstring, wirePackage } from "../../support/wire.ts";

/** What a sink with these options answers to each recipient. */
async function answers(args: readonly string[], recipients: readonly string[]): Promise<string> {
  const sink = await startSink(args);
  const answered = await exchange(sink.endpoint, wirePackage({ message: "hi", recipients: [...recipients] }));
  return answered.replaceAll(/\d+:Kok \d{10} qp 1,/g, "K");
}

test("rules may have a text of their own; the first that matches counts, refusals before deferrals", async () => {
  const rules = ["--defer", "^x", "--reject", "^x@: no such user: x (#5.1.1)", "--defer", "full@: try later"];
  rules.push("--reject", "^(x|bob=a)@: never said");
  const x = netstring("Dno such user: x (#5.1.1)");
  const bob = netstring("Dnever said");
  const full = netstring("Ztry later");
  const xy = netstring("Zsorry, this recipient is deferred here (#4.3.0)");
  expect(await answers(rules, ["x@y", "xy@y", "full@y", "b@y", "bob=a@y"])).toBe(`${x}${xy}${full}K${bob}`);
});

test("all but one domain can be refused", async () => {
  const refused = netstring("Dnot here");
  expect(await answers(["--reject", "(?<!@here\\.example)$: not here"], ["a@here.example", "a@y"])).toBe(
    `K${refused}`,
  );
});

test("an expression and an address that would take JavaScript years are answered at once", async () => {
  const address = "x".repeat(60_000);
  expect(await answers(["--reject", "^(x+x+)+y"], [address, "xxy"])).toMatch(/^K\d+:D/);
});

test("--help says what a rule looks like", async () => {
  expect((await qmtp(["sink", "--help"])).stdout.replaceAll(/\s+/g, " ")).toContain(
    "'^x@: no such user' adds the text",
  );
});
