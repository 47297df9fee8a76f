import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { onTestFinished } from "vitest";

/** A new folder, in memory if possible, as the disk is not under test. */
export function makeMemoryFolder(): string {
  let parent = "/dev/shm";
  try {
    accessSync(parent, constants.W_OK);
  } catch {
    parent = tmpdir();
  }
  return mkdtempSync(`${parent}/qmtp-test-`);
}

/** A new folder that is removed with the test. */
export function memoryFolder(): string {
  const folder = makeMemoryFolder();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The seed of this run: new each time, or `LOST_SEED` to repeat one. */
export function seedOfRun(): number {
  return Number(process.env.LOST_SEED ?? Math.floor(Math.random() * 2 ** 31));
}

/** Nearly all small; a few too large for one write, which are streamed. */
export function textOf(number: number): string {
  const length = number % 211 === 0 ? 70_000 : (number * 7_919) % 600;
  return `Subject: ${number}\n\n${"x".repeat(length)}`;
}

export const SENDER = "s@example.org";

export function recipientOf(number: number): string {
  return `m${number}@example.org`;
}

/** The file that holds this message, whether put here or delivered by a program. */
export function fileOf(number: number): string {
  return `Return-Path: <${SENDER}>\nDelivered-To: ${recipientOf(number)}\n${textOf(number)}`;
}

/** A maildir of numbered messages, each identified by its recipient. */
export class ManyMessages {
  readonly maildir: string;
  /** All messages ever put here have a smaller number. */
  count = 0;

  constructor(maildir: string) {
    this.maildir = maildir;
    for (const folder of ["tmp", "new", "cur"]) mkdirSync(`${maildir}/${folder}`, { recursive: true });
  }

  add(messages: number): void {
    for (const end = this.count + messages; this.count < end; this.count++) {
      const name = this.count % 3 === 0 ? `cur/${this.count}:2,S` : `new/${this.count}`;
      writeFileSync(`${this.maildir}/${name}`, fileOf(this.count));
    }
  }

  /** The numbers of those here now. */
  present(): Set<number> {
    const names = ["new", "cur"].flatMap((folder) => readdirSync(`${this.maildir}/${folder}`));
    return new Set(names.map((name) => Number(name.replace(/:.*/, ""))));
  }
}
