import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { type ClientOptions, QmtpClient } from "../../src/index.ts";
import { makeCertificates, pinOf } from "../support/certificates.ts";
import { skipsRealServers, startMailfront } from "../support/mailfront.ts";
import { skipsDns, startNameServer } from "../support/name-server.ts";
import { LAUNCHER, startSink, stopAll } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { startTlsSinkProcess } from "../support/tls-sink.ts";

const MAIL = { sender: "a@x", recipients: ["b@y", "c@y"], message: "Subject: hi\n\nhi\n" };
const SUCCESSES = [{ status: "success" }, { status: "success" }];

afterEach(stopAll);

async function send(options: ClientOptions) {
  await using client = new QmtpClient(options);
  return client.send(MAIL);
}

test("a client sends to a Unix socket", async () => {
  const { endpoint } = await startSink(["--listen", `unix:${temporaryFolder()}/socket`]);
  expect(await send({ server: endpoint })).toMatchObject(SUCCESSES);
});

test("a client starts a server, and ends it", async () => {
  const server = `exec:exec ${process.execPath} ${LAUNCHER} sink --listen ucspi:`;
  expect(await send({ server })).toMatchObject(SUCCESSES);
});

test.skipIf(skipsDns("a client that sends to a domain"))(
  "a client sends to the exchangers of a domain",
  async () => {
    const { endpoint } = await startSink();
    const port = Number(endpoint.replace(/^.*:/, ""));
    const records = ["mx-host=example.org,a.example.org,12801", "host-record=a.example.org,127.0.0.1"];
    vi.stubEnv(
      "DNSCACHEIP",
      await startNameServer([...records, "mx-host=smtp.example.org,b.example.org,10"]),
    );
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(await send({ server: "mx:example.org", port })).toMatchObject(SUCCESSES);
    const none = { status: "failure", code: "no-exchanger", origin: "client" };
    expect(await send({ server: "mx:smtp.example.org" })).toMatchObject([none, none]);
  },
);

describe("over TLS", () => {
  const { folder, ca, good, expired, client } = makeCertificates();

  test("a client trusts what it is told to trust, and nothing else", async () => {
    const { endpoint: server } = await startTlsSinkProcess(good);
    expect(await send({ server, tls: { cacert: ca } })).toMatchObject(SUCCESSES);
    const pinnedpubkey = pinOf(folder, good);
    expect(await send({ server, tls: { cacert: ca, pinnedpubkey } })).toMatchObject(SUCCESSES);
    expect(await send({ server, tls: { insecure: true } })).toMatchObject(SUCCESSES);
    const distrusted = { status: "deferral", code: "tls-untrusted", possibleDuplicate: false };
    expect(await send({ server })).toMatchObject([distrusted, distrusted]);
    const otherPin = pinOf(folder, expired);
    expect(await send({ server, tls: { cacert: ca, pinnedpubkey: otherPin } })).toMatchObject([
      distrusted,
      distrusted,
    ]);
  });

  test("a client identifies itself", async () => {
    const { endpoint: server } = await startTlsSinkProcess(good, ["--cacert", ca]);
    expect(await send({ server, tls: { cacert: ca, ...client } })).toMatchObject(SUCCESSES);
    const [refused] = await send({ server, tls: { cacert: ca } });
    expect(refused).toMatchObject({ status: "deferral", code: "connection-refused" });
  });

  test("verify says what was agreed on", async () => {
    const { endpoint: server } = await startTlsSinkProcess(good);
    await using verifying = new QmtpClient({ server, tls: { cacert: ca } });
    expect(await verifying.verify()).toMatchObject({ tls: { version: "TLSv1.3", verified: true } });
  });

  test("a missing or useless file is an error of the constructor", () => {
    const server = "qmtps://127.0.0.1";
    expect(() => new QmtpClient({ server, tls: { cacert: "/nowhere" } })).toThrow("/nowhere");
    expect(() => new QmtpClient({ server, tls: { cert: ca, key: client.key } })).toThrow("does not belong");
  });
});

describe.skipIf(skipsRealServers("the library with mailfront"))("with mailfront", () => {
  test("a client that splits delivers to every recipient, one package each", async () => {
    const mailfront = await startMailfront();
    expect(await send({ server: mailfront.endpoint, split: true })).toMatchObject(SUCCESSES);
    const stored = mailfront.stored().map((file) => file.toString("latin1").split("\0", 2));
    expect(stored).toEqual([
      ["a@x", "b@y"],
      ["a@x", "c@y"],
    ]);
  });
});
