import { readdir, readFile } from "node:fs/promises";
import { now } from "../io/clock.ts";
import { pause } from "../io/pause.ts";

/** Milliseconds between looks. */
const EVERY_MS = 50;
/** Bytes that our messages do not exceed; messages of other senders are not kept. */
const MAX_MESSAGE = 1024 * 1024;

/** A maildir in which messages arrive. */
export class Inbox {
  readonly #maildir: string;
  readonly #looked = new Set<string>();
  readonly #messages: Buffer[] = [];
  #looking: Promise<void> | undefined;

  constructor(maildir: string) {
    this.#maildir = maildir;
  }

  /** Ignores what is there before the run, which may be a lot. */
  async ignorePresent(): Promise<void> {
    for (const folder of FOLDERS) {
      for (const name of await namesIn(`${this.#maildir}/${folder}`)) this.#looked.add(unique(name));
    }
  }

  /**
   * Waits for a message.
   * @param mark text that only this message has
   * @returns undefined if it has not arrived in time
   */
  async find(mark: string, ms: number, signal: AbortSignal): Promise<Buffer | undefined> {
    const until = now() + ms;
    for (;;) {
      const late = now() >= until;
      await this.#look();
      const found = this.#messages.find((message) => message.includes(mark));
      if (found !== undefined || late || signal.aborted) return found;
      await pause(EVERY_MS, signal);
    }
  }

  /** All cases that wait look together. */
  #look(): Promise<void> {
    this.#looking ??= this.#read().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #read(): Promise<void> {
    for (const folder of FOLDERS) {
      const names = await namesIn(`${this.#maildir}/${folder}`);
      for (const name of names.filter((one) => !this.#looked.has(unique(one)))) {
        const message = await readFile(`${this.#maildir}/${folder}/${name}`).catch(() => undefined);
        // A mail reader may have moved it in the meantime.
        if (message === undefined) continue;
        this.#looked.add(unique(name));
        if (message.length <= MAX_MESSAGE && message.includes(MARK_DOMAIN)) this.#messages.push(message);
      }
    }
  }
}

const FOLDERS = ["new", "cur"];

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Every message of a check has a Message-ID in this domain, which RFC 2606 reserves. */
export const MARK_DOMAIN = "check.qmtp.invalid";

/** A file's name without flags, which change. */
function unique(name: string): string {
  return name.replace(/:2,.*/, "");
}
