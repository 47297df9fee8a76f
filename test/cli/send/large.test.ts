import { once } from "node:events";
import { truncateSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** What `qmtp send` prints for a message of this size, if the server closes the connection once it knows the size. */
async function sendLarge(bytes: number) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.destroy());
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  const file = `${temporaryFolder()}/large`;
  writeFileSync(file, "");
  truncateSync(file, bytes);
  const at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return qmtp(["send", "-s", at, "-f", "a@x", "b@y", "--raw", "--file", file]);
}

test("a server that takes no message of 200,000,000 bytes on the wire: the line says what may be wrong", async () => {
  const { code, stdout } = await sendLarge(199_999_999);
  expect(code).toBe(111);
  expect(stdout).toMatch(
    /^b@y: deferral: connection .+ before the message was sent: the server may have a limit on size; qmail's old one is 200,000,000 bytes\n$/,
  );
});

test("a smaller message is no reason to suspect one", async () => {
  const { code, stdout } = await sendLarge(100_000_000);
  expect(code).toBe(111);
  expect(stdout).toMatch(/^b@y: deferral: connection \w+ before the message was sent\n$/);
});
