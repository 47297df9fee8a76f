import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { makeCertificates, openssl } from "../../support/certificates.ts";
import { qmtp } from "../../support/in-process.ts";
import { unusedPort } from "../../support/scripted-server.ts";

const { folder, ca, good, client } = makeCertificates();
const file = (name: string, content: string) => {
  writeFileSync(`${folder}/${name}`, content);
  return `${folder}/${name}`;
};
const missing = `${folder}/missing`;
const UNUSED = "qmtps://127.0.0.1:1";

const empty = file("empty", "");
const text = file("text", "this is no certificate\n");
openssl(folder, ["pkey", "-in", good.key, "-aes128", "-passout", "pass:x", "-out", "locked.key"]);
const locked = `${folder}/locked.key`;
const NO_CERTIFICATE = "contains no certificate in PEM form";
const NO_KEY = "contains no private key in PEM form";
const gone = `cannot read ${missing}: no such file or directory; name a file that can be read`;

/** TLS options with unusable files, and the line for each. */
const unreadable: ReadonlyArray<[string, readonly string[], string]> = [
  ["a missing --cacert", ["--cacert", missing], gone],
  ["a missing --cert", ["--cert", missing], gone],
  ["a missing --key", ["--cert", good.cert, "--key", missing], gone],
  [
    "a directory as --cacert",
    ["--cacert", folder],
    `cannot read ${folder}: it is a directory; name a file that can be read`,
  ],
  ["an empty --cacert", ["--cacert", empty], `${empty} ${NO_CERTIFICATE}`],
  ["text as --cacert", ["--cacert", text], `${text} ${NO_CERTIFICATE}`],
  ["a key as --cacert", ["--cacert", good.key], `${good.key} ${NO_CERTIFICATE}`],
  ["a key as --cert", ["--cert", good.key], `${good.key} ${NO_CERTIFICATE}`],
  ["text as --key", ["--cert", good.cert, "--key", text], `${text} ${NO_KEY}`],
  ["a certificate as --key", ["--cert", good.cert, "--key", ca], `${ca} ${NO_KEY}`],
  ["--cert without its key", ["--cert", good.cert], `${good.cert} ${NO_KEY}`],
  [
    "the key of another certificate",
    ["--cert", good.cert, "--key", client.key],
    `the key in ${client.key} does not belong to the certificate in ${good.cert}`,
  ],
  [
    "a key with a passphrase",
    ["--cert", good.cert, "--key", locked],
    `${locked} contains a key with a passphrase; name one without`,
  ],
];

test.each(unreadable)("%s gets one line on standard error and exit code 111", async (_what, args, why) => {
  const sent = await qmtp(["send", "-s", UNUSED, "-f", "a@x", "b@y", ...args], { input: "hi\n" });
  expect(sent).toEqual({ code: 111, signal: null, stdout: "", stderr: `qmtp: ${why}\n` });
  const sink = args.includes("--cert") ? args : ["--cert", good.cert, "--key", good.key, ...args];
  const listened = await qmtp(["sink", "--listen", "qmtps://127.0.0.1:0", ...sink]);
  expect(listened).toEqual({ code: 111, signal: null, stdout: "", stderr: `qmtp: ${why}\n` });
});

test("SSL_CERT_FILE is read like --cacert, and only for TLS", async () => {
  const env = { SSL_CERT_FILE: missing };
  const secure = await qmtp(["send", "-s", UNUSED, "-f", "a@x", "b@y"], { env });
  expect(secure).toEqual({ code: 111, signal: null, stdout: "", stderr: `qmtp: ${gone}\n` });
  const endpoint = `127.0.0.1:${await unusedPort()}`;
  const clear = await qmtp(["send", "-s", endpoint, "-f", "a@x", "b@y"], { env });
  expect(clear).toMatchObject({ code: 111, stdout: expect.stringContaining("refused"), stderr: "" });
});

const PIN = "sha256//RoJqZWPuQmVvPjWcmu8IYWyRvWuwVpHGfEySs1sQOJk=";
const noPin = (pin: string) =>
  `'${pin}' is not a pin: write sha256// and the SHA-256 of the server's public key in base64, as curl does`;
const noTls = (option: string) => `${option} is for TLS: name a server as qmtps://host`;

test.each<[string, readonly string[], string]>([
  ["--key without --cert", [UNUSED, "--key", good.key], "--key needs --cert"],
  ["an empty pin", [UNUSED, "--pinnedpubkey", ""], noPin("")],
  ["a pin without its algorithm", [UNUSED, "--pinnedpubkey", PIN.slice(8)], noPin(PIN.slice(8))],
  ["a pin that is too short", [UNUSED, "--pinnedpubkey", "sha256//AAAA"], noPin("sha256//AAAA")],
  ["a file as a pin", [UNUSED, "--pinnedpubkey", good.key], noPin(good.key)],
  ["a second pin that is not one", [UNUSED, "--pinnedpubkey", `${PIN};x`], noPin("x")],
  ["an empty last pin", [UNUSED, "--pinnedpubkey", `${PIN};`], noPin("")],
  ["--cacert in the clear", ["127.0.0.1:1", "--cacert", ca], noTls("--cacert")],
  ["--cert in the clear", ["127.0.0.1:1", "--cert", good.cert], noTls("--cert")],
  ["--key in the clear", ["qmtp://127.0.0.1:1", "--key", good.key], noTls("--key")],
  ["--tls-servername in the clear", ["127.0.0.1:1", "--tls-servername", "x"], noTls("--tls-servername")],
  ["--pinnedpubkey in the clear", ["unix:/nowhere", "--pinnedpubkey", PIN], noTls("--pinnedpubkey")],
  ["--insecure in the clear", ["127.0.0.1:1", "--insecure"], noTls("--insecure")],
  ["-k in the clear", ["127.0.0.1:1", "-k"], noTls("--insecure")],
])("%s gets one line on standard error and exit code 100", async (_what, args, why) => {
  const expected = { code: 100, signal: null, stdout: "", stderr: `qmtp: ${why}\n` };
  expect(await qmtp(["send", "-f", "a@x", "b@y", "-s", ...args], { input: "hi\n" })).toEqual(expected);
  expect(await qmtp(["maildir", "/nowhere", "", "-s", ...args])).toEqual(expected);
});

test.each<[string, readonly string[], string]>([
  [
    "TLS without a certificate",
    ["qmtps://127.0.0.1:0"],
    "TLS needs a certificate and its key: name them with --cert and --key",
  ],
  [
    "--cert in the clear",
    ["127.0.0.1:0", "--cert", good.cert],
    "--cert is for TLS: listen on qmtps://host:port",
  ],
  [
    "--cacert in the clear",
    ["127.0.0.1:0", "--cacert", ca],
    "--cacert is for TLS: listen on qmtps://host:port",
  ],
])("a sink with %s gets one line on standard error and exit code 100", async (_what, args, why) => {
  const ended = await qmtp(["sink", "--listen", ...args]);
  expect(ended).toEqual({ code: 100, signal: null, stdout: "", stderr: `qmtp: ${why}\n` });
});
