import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { deliverMaildir, filesLeft, mail, maildirWith } from "../../support/maildirs.ts";
import { wirePackage } from "../../support/wire.ts";

const COUNT = 20;
const ANSWERED = 5;
const { length: PACKAGE } = wirePackage({ message: "hi\n" });

/** A server that answers five of the packages of its first session, and all those of later ones. */
async function startServer(): Promise<string> {
  let sessions = 0;
  const server = createServer((socket: Socket) => {
    const isFirst = sessions++ === 0;
    let [received, answered] = [0, 0];
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      received += chunk.length;
      if (isFirst && received < COUNT * PACKAGE) return;
      const upTo = isFirst ? ANSWERED : Math.floor(received / PACKAGE);
      socket.write("3:Kok,".repeat(upTo - answered));
      answered = upTo;
      if (isFirst) socket.end();
    });
  });
  onTestFinished(() => void server.close());
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const names = Array.from({ length: COUNT }, (_, index) => `new/${String(index).padStart(2, "0")}`);
const fullMaildir = () =>
  maildirWith(Object.fromEntries(names.map((name) => [name, [60, mail("b@y", "hi\n")]])));

describe("after a lost connection, messages are sent again, and may be delivered twice", () => {
  test("which one line with their number says, and no line of a message", async () => {
    const maildir = fullMaildir();
    const { code, stdout, stderr } = await deliverMaildir(maildir, ["-s", await startServer()]);
    expect(stdout.trimEnd().split("\n").sort()).toEqual(names.map((name) => `${name}: b@y: success: ok`));
    expect(stderr.trimEnd().split("\n")).toEqual([
      "qmtp: connection closed before a response came; connecting again",
      "qmtp: up to 15 messages may be delivered twice: sent once without a response",
      "qmtp: 20 messages: 20 success; 20 removed",
    ]);
    expect([code, filesLeft(maildir)]).toEqual([0, []]);
  });

  test("which the JSON of each such message says, and the number is in the summary", async () => {
    const run = await deliverMaildir(fullMaildir(), ["--json", "-s", await startServer()]);
    const objects = run.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const remarks = objects.slice(0, -1).map(({ file, deliveries }) => {
      expect(deliveries[0]).toMatchObject({ status: "success", text: "ok" });
      return [file.name, file.note, deliveries[0].possibleDuplicate];
    });
    const remark = "sent before, response lost: may be delivered twice";
    expect(remarks.sort()).toEqual(
      names.map((name, index) => (index < ANSWERED ? [name, null, false] : [name, remark, true])),
    );
    expect(objects.at(-1)).toMatchObject({ type: "summary", exitCode: 0, possibleDuplicates: 15 });
  });

  test("which is not said with --quiet if all were accepted", async () => {
    const run = await deliverMaildir(fullMaildir(), ["-q", "-s", await startServer()]);
    expect(run).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
  });
});
