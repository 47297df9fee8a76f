import { expect } from "vitest";
import { type ReadMail, readMail } from "../mail-reader.ts";
import {
  environment,
  type Finished,
  finished,
  LAUNCHER,
  qmtp,
  type RunOptions,
  start,
} from "../processes.ts";
import { type ReceivedPackage, startReceivingServer } from "../receiving-server.ts";

export interface Composed {
  readonly mail: ReadMail;
  readonly pkg: ReceivedPackage;
  readonly sent: Finished;
}

/** Composes a message from a@x to b@y, which must arrive, and reads it. */
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

/** No line is longer than SMTP may carry (RFC 5322, 2.1.1), and line ends are those of the encoding. */
export function expectSendable({ message, encoding }: ReceivedPackage): void {
  const end = encoding === "\r" ? "\r\n" : "\n";
  const text = message.toString("latin1");
  const lines = text.split(end);
  expect(text.endsWith(end)).toBe(true);
  expect(lines.filter((line) => /[\r\n]/.test(line))).toEqual([]);
  expect(lines.filter(({ length }) => length > 998)).toEqual([]);
  // 8-bit bytes and control characters would need more than a server must be able to take.
  expect(/[^\x20-\x7e\t\r\n]/.exec(text)?.[0]).toBeUndefined();
}

/** The one text of a message without attachments. */
export const textOf = ({ mail }: Composed): string => {
  expect(mail.parts.length).toBe(1);
  return (mail.parts[0] as ReadMail["parts"][number]).content.toString();
};

/** Runs the launcher with a small heap; gives the most memory that it had, in KiB, as the kernel counted. */
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
