import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const UNUSED = "qmtps://127.0.0.1:1";

test.each(["--cacert", "--cert"])("a broken %s is one line, without an OpenSSL code", async (option) => {
  const broken = `${temporaryFolder()}/broken`;
  writeFileSync(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  const sent = await qmtp(["send", "-s", UNUSED, "-f", "a@x", "b@y", option, broken], { input: "hi\n" });
  expect(sent).toMatchObject({ code: 111, stdout: "" });
  expect(sent.stderr).toMatch(/^qmtp: \S+ contains a broken certificate: [^:\n]+\n$/);
});
