import { writeFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import { qmtp, stopAll } from "../processes.ts";
import { temporaryFolder } from "../temporary-folder.ts";

afterEach(stopAll);

const NOBODY = "qmtps://127.0.0.1:1";

test.each(["--cacert", "--cert"])("a broken certificate for %s is one line, without code", async (option) => {
  const broken = `${temporaryFolder()}/broken`;
  writeFileSync(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const sent = await qmtp(["send", "-s", NOBODY, "-f", "a@x", "b@y", option, broken], { input: "hi\n" });
  expect(sent).toMatchObject({ code: 111, stdout: "" });
  expect(sent.stderr).toMatch(/^qmtp: \S+ holds a broken certificate: [^:\n]+\n$/);
});
