import { expect } from "vitest";
import { qmtp } from "../../support/in-process.ts";
import {
  environment,
  type Finished,
  finished,
  LAUNCHER,
  type RunOptions,
  start,
} from "../../support/processes.ts";
import { type ReceivedPackage, startReceivingServer } from "../../support/receiving-server.ts";
import { type ReadMail, readMail } from "./mail-reader.ts";

export interface Composed {
  readonly mail: ReadMail;
  readonly pkg: ReceivedPackage;
  readonly sent: Finished;
}

/** Composes a message from a@x to b@y, requires that it arrives, and parses it. */
export async function composed(args: readonly string[], options: RunOptions = {}): Promise<Composed> {
  const server = await startReceivingServer();
  const from = args.includes("-f") ? [] : ["-f", "a@x.example"];
  const sent = await qmtp(["send", "-s", server.endpoint, ...from, ...args, "b@y.example"], options);
  expect(sent).toMatchObject({ code: 0, signal: null, stderr: "" });
  expect(server.packages.length).toBe(1);
  const pkg = server.packages[0] as ReceivedPackage;
  const mail = readMail(pkg.message);
  expect(mail.defects).toEqual([]);
  expectSendable(pkg);
  return { mail, pkg, sent };
}

/** Expects no line too long for SMTP (RFC 5322, 2.1.1), and the line ends of the encoding. */
export function expectSendable({ message, encoding }: ReceivedPackage): void {
  const end = encoding === "\r" ? "\r\n" : "\n";
  const text = message.toString("latin1");
  const lines = text.split(end);
  expect(text.endsWith(end)).toBe(true);
  expect(lines.filter((line) => /[\r\n]/.test(line))).toEqual([]);
  expect(lines.filter(({ length }) => length > 998)).toEqual([]);
  // A server need not accept 8-bit bytes or control characters.
  expect(/[^\x20-\x7e\t\r\n]/.exec(text)?.[0]).toBeUndefined();
}

/** The text of a message without attachments. */
export const textOf = ({ mail }: Composed): string => {
  expect(mail.parts.length).toBe(1);
  return (mail.parts[0] as ReadMail["parts"][number]).content.toString();
};

/** Runs the launcher with a small heap; returns its peak memory in KiB, as counted by the kernel. */
export async function peakMemory(
  args: readonly string[],
  input: "ignore" | number = "ignore",
): Promise<number> {
  const atExit = `data:text/javascript,process.on("exit",()=>console.error(process.resourceUsage().maxRSS))`;
  const limits = ["--max-old-space-size=64", "--import", atExit, LAUNCHER];
  const child = start(process.execPath, [...limits, ...args], {
    env: environment(),
    stdio: [input, "pipe", "pipe"],
  });
  const sent = await finished(child);
  expect(sent).toMatchObject({ code: 0, signal: null });
  return Number(/^\d+\n$/.exec(sent.stderr)?.[0]);
}
