import { expect, test } from "vitest";
import { qmtp, startSink } from "../processes.ts";

test("a message goes through the sink, and each recipient has its own line", async () => {
  const sink = await startSink(["--reject", "^no@"]);
  const sent = await qmtp(
    ["send", "-s", sink.endpoint, "-f", "a@example.org", "b@example.org", "no@example.org"],
    {
      input: "Subject: x\n\nhi\n",
    },
  );
  expect(sent.stdout).toMatch(/^b@example\.org: success: ok \d+ qp 1\nno@example\.org: failure: .+\n$/);
  expect(sent.code).toBe(100);
  expect(await sink.nextLine()).toBe(
    "a@example.org -> b@example.org success, no@example.org failure; 15 bytes, unix",
  );
  expect((await sink.stop()).code).toBe(0);
});
