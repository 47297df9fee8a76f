import type { Writable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import { portThatNeverAnswers } from "../../support/full-backlog.ts";
import { startSink } from "../../support/in-process.ts";
import { endedBy, finished, printed, stopAll } from "../../support/processes.ts";
import { envelopeFor, envelopeOf, homeWith, startQueue } from "../../support/qmail-qmtpc.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";

afterEach(stopAll);

/** More than a socket buffers: the write completes only when the other end reads. */
const MUCH = Buffer.alloc(2 * 1024 * 1024, "x");

const writeMuch = (stream: Writable | null) => new Promise((resolve) => stream?.write(MUCH, resolve));

describe.each(["SIGTERM", "SIGINT"] as const)("%s", (signal) => {
  const ended = (code: number, line: string) => ({
    ...endedBy(signal, code),
    stdout: "",
    stderr: `qmail-qmtpc: ${line}\n`,
  });
  const maybe = `interrupted by ${signal}; no response came (the message may have been delivered)`;

  test("while reading the message sends nothing: exit code 54", async () => {
    const server = await startScriptedServer();
    const child = startQueue(homeWith(server.endpoint));
    const done = finished(child);
    await writeMuch(child.stdin);
    child.kill(signal);
    const line = `interrupted by ${signal} while reading the message; nothing was sent`;
    expect(await done).toEqual(ended(54, line));
    expect(server.connections).toBe(0);
  });

  test("while reading the envelope sends nothing: exit code 54", async () => {
    const server = await startScriptedServer();
    const child = startQueue(homeWith(server.endpoint));
    const done = finished(child);
    child.stdin?.end("hi\n");
    envelopeOf(child).write("Fa@x\0Tb@y\0T");
    await writeMuch(envelopeOf(child));
    child.kill(signal);
    const line = `interrupted by ${signal} while reading the envelope; nothing was sent`;
    expect(await done).toEqual(ended(54, line));
    expect(server.connections).toBe(0);
  });

  test("while connecting sends nothing: exit code 74, with a line for each recipient", async () => {
    const port = await portThatNeverAnswers();
    const child = startQueue(homeWith(`127.0.0.1:${port}`, "unix:/none"), ["-v"]);
    const done = finished(child);
    child.stdin?.end("hi\n");
    envelopeOf(child).end(envelopeFor("b@y", "c@y"));
    await printed(child.stderr, /connecting to/);
    child.kill(signal);
    const lines = ["b@y", "c@y"].map((to) => `qmail-qmtpc: ${to}: deferral: interrupted by ${signal}\n`);
    expect(await done).toEqual({
      ...endedBy(signal, 74),
      stdout: "",
      stderr: `+0.0 ms * connecting to qmtp://127.0.0.1:${port}\n${lines.join("")}`,
    });
  });

  test("while waiting for responses: exit code 74, with a line for each recipient", async () => {
    const sink = await startSink(["--fault", "stall"]);
    const child = startQueue(homeWith(sink.endpoint));
    const done = finished(child);
    child.stdin?.end("hi\n");
    envelopeOf(child).end(envelopeFor("b@y", "c@y"));
    await sink.nextLine();
    child.kill(signal);
    expect(await done).toEqual(ended(74, `b@y: deferral: ${maybe}\nqmail-qmtpc: c@y: deferral: ${maybe}`));
  });
});

test("it exits once it is done, even if its descriptors stay open", async () => {
  const server = await startScriptedServer();
  const child = startQueue(homeWith(server.endpoint));
  const done = finished(child);
  child.stdin?.end("hi\n");
  envelopeOf(child).write("Fa@x\0Xb@y\0");
  expect(await done).toMatchObject({ code: 91, signal: null });
  expect(server.connections).toBe(0);
});
