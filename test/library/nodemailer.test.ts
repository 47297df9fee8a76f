import { readdirSync, readFileSync } from "node:fs";
import nodemailer10 from "nodemailer";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { QmtpTransport } from "../../src/library/nodemailer.ts";
import { startSink, stopAll } from "../support/processes.ts";
import { unusedPort } from "../support/scripted-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** The part of nodemailer that tests use; versions before 10 have no types of their own. */
interface Nodemailer {
  createTransport(transport: QmtpTransport): {
    sendMail(mail: object): Promise<Record<string, unknown>>;
    verify(): Promise<true>;
    isIdle(): boolean;
    close(): void;
    use(step: string, plugin: (mail: { message: { keepBcc: boolean } }, done: () => void) => void): void;
  };
}

const load = async (name: string) => ((await import(name)) as { default: Nodemailer }).default;
const VERSIONS: Readonly<Record<string, () => Promise<Nodemailer>>> = {
  7: () => load("nodemailer-7"),
  8: () => load("nodemailer-8"),
  9: () => load("nodemailer-9"),
  10: async () => nodemailer10 as unknown as Nodemailer,
};

const MAIL = { from: "Joe <joe@example.org>", to: "ann@example.org", subject: "hello", text: "hi" };

afterEach(stopAll);

async function startStore() {
  const maildir = `${temporaryFolder()}/maildir`;
  const rules = ["--reject", "^bad@", "--defer", "^later@"];
  const { endpoint } = await startSink(["--maildir", maildir, ...rules]);
  const stored = () =>
    readdirSync(`${maildir}/new`).map((name) => readFileSync(`${maildir}/new/${name}`, "latin1"));
  return { server: endpoint, stored };
}

describe.each(Object.keys(VERSIONS))("with nodemailer %s", (version) => {
  async function transportTo(server: string) {
    const nodemailer = await (VERSIONS[version] as () => Promise<Nodemailer>)();
    return nodemailer.createTransport(new QmtpTransport({ server }));
  }

  test("sendMail says who was accepted, refused and deferred, and leaves Bcc out", async () => {
    const { server, stored } = await startStore();
    const transport = await transportTo(server);
    const to = "ann@example.org, bad@example.org, later@example.org";
    const sending = transport.sendMail({ ...MAIL, to, bcc: "bob@example.org" });
    expect(transport.isIdle()).toBe(false);
    const info = await sending;
    expect(transport.isIdle()).toBe(true);
    transport.close();
    expect(info).toMatchObject({
      accepted: ["ann@example.org", "bob@example.org"],
      rejected: ["bad@example.org"],
      pending: ["later@example.org"],
      envelope: { from: "joe@example.org" },
      messageId: expect.stringMatching(/^<.+@example\.org>$/),
      response: expect.stringMatching(/^ok /),
    });
    expect(stored()).toHaveLength(2);
    for (const message of stored()) {
      expect(message).toMatch(/^From: Joe <joe@example\.org>$/m);
      expect(message).not.toMatch(/^Bcc:|\r/m);
    }
  });

  test("Bcc stays in the message if a plugin keeps it", async () => {
    const { server, stored } = await startStore();
    const transport = await transportTo(server);
    transport.use("stream", ({ message }, done) => {
      message.keepBcc = true;
      done();
    });
    await transport.sendMail({ ...MAIL, bcc: "bob@example.org" });
    transport.close();
    expect(stored()[0]).toMatch(/^Bcc: bob@example\.org$/m);
  });

  test("sendMail rejects if no recipient was accepted, and says why", async () => {
    const { server } = await startStore();
    const transport = await transportTo(server);
    await expect(transport.sendMail({ ...MAIL, to: "bad@example.org" })).rejects.toMatchObject({
      code: "EENVELOPE",
      rejected: ["bad@example.org"],
      response: expect.stringContaining("refused"),
    });
    await expect(transport.sendMail({ ...MAIL, to: "later@example.org" })).rejects.toMatchObject({
      code: "EENVELOPE",
      pending: ["later@example.org"],
    });
    transport.close();
    const gone = await transportTo(`127.0.0.1:${await unusedPort()}`);
    await expect(gone.sendMail(MAIL)).rejects.toMatchObject({
      code: "ECONNECTION",
      pending: ["ann@example.org"],
    });
    gone.close();
    vi.stubEnv("DNSCACHEIP", `127.0.0.1:${await unusedPort()}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const nowhere = await transportTo("mx:example.org");
    await expect(nowhere.sendMail(MAIL)).rejects.toMatchObject({ code: "EDNS" });
    nowhere.close();
  });

  test("sendMail rejects if an attachment cannot be read, and names it", async () => {
    const { server } = await startStore();
    const transport = await transportTo(server);
    const sent = transport.sendMail({ ...MAIL, attachments: [{ path: "/nowhere/at/all" }] });
    await expect(sent).rejects.toMatchObject({
      code: "unreadable-input",
      message: expect.stringContaining("/nowhere/at/all"),
    });
    transport.close();
  });

  test("verify connects, and rejects where it cannot", async () => {
    const { server } = await startStore();
    expect(await (await transportTo(server)).verify()).toBe(true);
    const gone = (await transportTo(`127.0.0.1:${await unusedPort()}`)).verify();
    await expect(gone).rejects.toThrow("connection refused");
  });

  test("a signal aborts one message", async () => {
    const { server } = await startStore();
    const transport = await transportTo(server);
    const stop = new AbortController();
    async function* endless() {
      yield Buffer.from("x");
      stop.abort();
      await new Promise(() => {});
    }
    const { Readable } = await import("node:stream");
    const text = Readable.from(endless());
    const aborted = transport.sendMail({ ...MAIL, text, signal: stop.signal });
    await expect(aborted).rejects.toMatchObject({ name: "AbortError" });
    expect(await transport.sendMail(MAIL)).toMatchObject({ accepted: ["ann@example.org"] });
    transport.close();
  });
});
