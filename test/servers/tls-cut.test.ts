import { afterEach, describe, expect, test } from "vitest";
import { makeCertificates } from "../support/certificates.ts";
import { qmtp } from "../support/in-process.ts";
import { type Finished, stopAll } from "../support/processes.ts";
import { expectTaken, reportOf, startTlsSink, startTlsSinkProcess } from "../support/tls-sink.ts";
import { startCuttingProxy } from "./tls-proxy.ts";

afterEach(stopAll);

const made = makeCertificates();
const send = (endpoint: string, input: string | Buffer): Promise<Finished> =>
  qmtp(["send", "-s", endpoint, "--cacert", made.ca, "-f", "a@x", "b@y", "c@y", "--json"], { input });
const HOWS = [
  ["closed", false],
  ["reset", true],
] as const;

describe.each(HOWS)("a connection that is %s", (_how, reset) => {
  test.each([0, 1, 4, 5, 60, 127, 300, 600])(
    "in the TLS handshake, after %i bytes from the server, defers all recipients",
    async (bytes) => {
      const sink = await startTlsSinkProcess(made.good);
      const room = (from: string, passed: { server: number }) =>
        from === "server" ? bytes - passed.server : Number.POSITIVE_INFINITY;
      const endpoint = await startCuttingProxy(sink.endpoint, { room, reset });
      const result = await send(endpoint, "hi\n");
      const why =
        "the server closed the connection in the TLS handshake; this may be a port for clear text; without TLS, use qmtp://";
      const text = `cannot connect to ${endpoint}: ${why}`;
      expect(result).toMatchObject({ code: 111, stderr: "" });
      const delivery = { status: "deferral", text, origin: "client", possibleDuplicate: false };
      expect(reportOf(result)).toMatchObject({
        server: { tls: null },
        deliveries: [delivery, delivery],
        error: { code: "tls-failed", message: text },
      });
      await expectTaken(sink, "");
    },
  );

  // A handshake takes up to 3,000.
  test.each([5_000, 50_000, 3_000_000])(
    "in the middle of a package, after %i bytes from the client, defers all recipients",
    async (bytes) => {
      const sink = await startTlsSink(made.good);
      const room = (from: string, passed: { client: number }) =>
        from === "client" ? bytes - passed.client : Number.POSITIVE_INFINITY;
      const endpoint = await startCuttingProxy(sink.endpoint, { room, reset });
      // More than a connection holds, so the last byte cannot have been sent.
      const result = await send(endpoint, Buffer.alloc(20_000_000, "a line of text\n"));
      expect(result).toMatchObject({ code: 111, stderr: "" });
      const text = expect.stringMatching(/^(connection (closed|reset)|broken pipe) before /);
      const delivery = { status: "deferral", text, origin: "client", possibleDuplicate: false };
      expect(reportOf(result)).toMatchObject({ deliveries: [delivery, delivery] });
      await expectTaken(sink, "");
    },
  );

  test("with the responses in flight defers all, as possible duplicates", async () => {
    const sink = await startTlsSink(made.good);
    const message = Buffer.alloc(100_000, "x");
    // Bytes from the server after it has the whole package: its responses.
    const room = (from: string, passed: { client: number }) =>
      from === "server" && passed.client > message.length ? 0 : Number.POSITIVE_INFINITY;
    const endpoint = await startCuttingProxy(sink.endpoint, { room, reset });
    const result = await send(endpoint, message);
    expect(result).toMatchObject({ code: 111, stderr: "" });
    const delivery = { status: "deferral", origin: "client", possibleDuplicate: true };
    expect(reportOf(result)).toMatchObject({ deliveries: [delivery, delivery] });
    await expectTaken(sink, "a@x -> b@y success, c@y success; 100000 bytes, unix\n");
  });
});

test("half a response defers all, as possible duplicates", async () => {
  const sink = await startTlsSink(made.good);
  const message = Buffer.alloc(100_000, "x");
  const room = (from: string, passed: { client: number }) =>
    from === "server" && passed.client > message.length ? 10 : Number.POSITIVE_INFINITY;
  const endpoint = await startCuttingProxy(sink.endpoint, { room });
  const result = await send(endpoint, message);
  expect(result).toMatchObject({ code: 111, stderr: "" });
  const delivery = { status: "deferral", possibleDuplicate: true };
  expect(reportOf(result)).toMatchObject({ deliveries: [delivery, delivery] });
  await sink.stop();
});
