import { once } from "node:events";
import { expect, test } from "vitest";
import { connectTo, exchange } from "../../support/exchange.ts";
import { qmtp, startSink } from "../../support/in-process.ts";
import { wirePackage } from "../../support/wire.ts";

const PACKAGE = wirePackage({ message: "hi\n" });

/** What a client gets for a package. */
async function answerWith(...args: string[]): Promise<string> {
  const sink = await startSink(args);
  const answer = await exchange(sink.endpoint, PACKAGE);
  return answer.replaceAll(/ok \d{10} qp/g, "ok TIME qp");
}

/** What `qmtp send` makes of it. */
async function sendTo(...args: string[]) {
  const sink = await startSink(args);
  return qmtp(["send", "-s", sink.endpoint, "-f", "a@x", "b@y"], { input: "hi\n" });
}

test("reset: the client's system says so", async () => {
  const sink = await startSink(["--fault", "reset"]);
  const client = await connectTo(sink.endpoint);
  client.removeAllListeners("error");
  const failed = once(client, "error");
  client.write(PACKAGE);
  expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
  expect(await sink.nextLine()).toBe("a@x -> b@y success; 3 bytes, unix; fault: reset");
});

test("close-on-connect closes before anything is sent", async () => {
  const sink = await startSink(["--fault", "close-on-connect"]);
  const client = await connectTo(sink.endpoint);
  await once(client.resume(), "end");
  expect(client.bytesRead).toBe(0);
  expect(await sink.stop()).toMatchObject({ code: 0, stdout: "" });
});

test("smtp-banner greets, and answers nothing", async () => {
  expect(await answerWith("--fault", "smtp-banner")).toBe("220 sink.example.org ESMTP\r\n");
  expect(await sendTo("--fault", "smtp-banner")).toMatchObject({ code: 111 });
});

test("garbage is never a success, and the same for the same seed", async () => {
  const [one, same, other] = [
    await answerWith("--fault", "garbage", "--seed", "1"),
    await answerWith("--fault", "garbage", "--seed", "1"),
    await answerWith("--fault", "garbage", "--seed", "2"),
  ];
  expect([one.length, one === same, one === other]).toEqual([64, true, false]);
  expect(await sendTo("--fault", "garbage")).toMatchObject({ code: 111 });
});

test("escapes put control sequences into a success, which send prints escaped", async () => {
  const answer = await answerWith("--fault", "escapes");
  expect(answer).toMatch(/^\d+:K\x1b\[2J\x1b\[31m\x1b\]0;title\x07\r\n\x1b\[1A\x9b1Aok TIME qp 1,$/);
  // The time has six more digits than TIME.
  expect(answer.length).toBe(Number.parseInt(answer, 10) + 4 - 6);
  const { code, stdout } = await sendTo("--fault", "escapes");
  expect([code, stdout.split("\n").length]).toEqual([0, 2]);
  expect(stdout).toMatch(/^b@y: success: [\x20-\x7e]+\n$/);
});

test("several faults at once", async () => {
  const faults = ["--fault", "extra-response", "--fault", "bad-length", "--fault", "bad-status"];
  expect(await answerWith(...faults)).toBe("019:Xok TIME qp 1,".repeat(2));
});

test("--fault-rate misbehaves at that rate, and --seed decides for which packages", async () => {
  const faulty = async (seed: string) => {
    const rate = ["--fault", "bad-status", "--fault", "escapes", "--fault-rate", "30", "--seed", seed];
    const sink = await startSink(["--json", ...rate]);
    await exchange(sink.endpoint, Buffer.concat(Array.from({ length: 200 }, () => PACKAGE)));
    const { stdout, stderr } = await sink.stop();
    expect(stderr).toContain(
      `qmtp: the chance of a fault is 30 %; --seed ${seed} repeats this run's faults\n`,
    );
    return stdout
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line).faults as string[]);
  };
  const [one, same, other] = [await faulty("1"), await faulty("1"), await faulty("2")];
  expect(one).toEqual(same);
  expect(one).not.toEqual(other);
  for (const fault of ["bad-status", "escapes"]) {
    const hit = one.filter((faults) => faults.includes(fault)).length;
    expect(hit).toBeGreaterThan(30);
    expect(hit).toBeLessThan(90);
  }
  // Each is drawn on its own.
  expect(new Set(one.map((faults) => faults.join("+")))).toEqual(
    new Set(["", "bad-status", "escapes", "bad-status+escapes"]),
  );
});

test("--fault-rate 0 never misbehaves", async () => {
  const never = ["--fault", "close-on-connect", "--fault", "garbage", "--fault-rate", "0"];
  expect(await answerWith(...never)).toBe("19:Kok TIME qp 1,");
});
