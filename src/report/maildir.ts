import { QmtpError } from "../errors.ts";
import { nameBytes, pathIn } from "../maildir/file-names.ts";
import type { MessageResult } from "../maildir/outcomes.ts";
import type { Delivery } from "../protocol/delivery.ts";
import { MAYBE_DELIVERED } from "../protocol/ledger.ts";
import type { Server } from "../transport/connector.ts";
import { counted } from "./counted.ts";
import { errorFields, field, messageJson, toJson } from "./json.ts";
import type { LogEntry } from "./log/line.ts";
import { withRemedy } from "./remedies.ts";
import { sanitise, sanitiseCapped } from "./sanitise.ts";
import type { Paint } from "./text.ts";

/**
 * One line for a message: file, recipient, status, text, and what became of the file, if that is not obvious. That it
 * may be delivered twice is not on the line: after a lost connection it is true of thousands, and happens to few.
 */
export function maildirLine(result: MessageResult, paint: Paint): string {
  const { recipient, status } = result.delivery;
  const to = recipient.length === 0 ? "<>" : sanitise(recipient);
  const remarks = remarksOn(result);
  const said = remarks.length === 0 ? "" : ` (${remarks.join("; ")})`;
  const text = sanitiseCapped(reasonOf(result.delivery));
  return `${printableName(result.file.name)}: ${to}: ${paint(status)}: ${text}${said}`;
}

/** The text without the remark that the message may have been delivered. */
function reasonOf({ origin, text, error }: Delivery): Buffer {
  const remark = Buffer.from(MAYBE_DELIVERED);
  const hasRemark = origin === "client" && text.subarray(-remark.length).equals(remark);
  return withRemedy(hasRemark ? text.subarray(0, -remark.length) : text, error);
}

/**
 * The same as one line of JSON, in the form that `send` prints.
 * @param server for a message that no session had
 */
export function maildirJson(result: MessageResult, maildir: string, server: Server): string {
  const { file, sender, delivery, bytes, outcome, expired, session } = result;
  const report = {
    server: session?.server ?? server,
    session: session?.number ?? null,
    message: { source: `${maildir}/${nameBytes(file.name)}`, bytes, encoding: "unix" as const },
    file: {
      ...field("name", nameBytes(file.name)),
      outcome,
      expired,
      note: noteText(result) ?? repetition(result) ?? null,
    },
    sender,
    deliveries: [delivery],
    timing: { connectMs: null, sendMs: null, responseMs: null },
    violations: [],
    error: delivery.error instanceof QmtpError ? delivery.error : null,
  };
  return [...messageJson(report)].join("").trimEnd();
}

/** What the log has of it, besides the session. */
export function maildirLogEntry(
  { file, sender, delivery, outcome, expired }: MessageResult,
  maildir: string,
): Omit<LogEntry, "server" | "elapsedMs"> {
  // That an accepted message is removed, and a deferred one kept, is what happens.
  const isUsual = outcome === "removed" || (outcome === "kept" && delivery.status === "deferral");
  const remarks = [...(expired ? ["expired"] : []), ...(isUsual ? [] : [outcome])];
  const message = Buffer.from(pathIn(maildir, file.name) as string);
  return { message, sender, delivery, remarks };
}

/** A line about something in a maildir that cannot be sent. */
export function unusableLine({ name, why }: { name: string; why: string }): string {
  return `${printableName(name)}: skipped: ${sanitise(why)}`;
}

export function printableName(name: string): string {
  return sanitise(nameBytes(name));
}

/** A remark on a message that an earlier round of the run sent too. A deferral has it in its text. */
function repetition({ delivery: { origin, possibleDuplicate } }: MessageResult): string | undefined {
  const wasSentBefore = origin === "server" && possibleDuplicate;
  return wasSentBefore ? "sent before, response lost: may be delivered twice" : undefined;
}

function noteText({ note }: MessageResult): string | undefined {
  return note && withRemedy(Buffer.from(note.text), note.error).toString();
}

function remarksOn(result: MessageResult): string[] {
  const { delivery, sender, outcome, expired } = result;
  const remarks: string[] = [];
  if (expired) remarks.push("expired");
  if (outcome === "bounced") {
    remarks.push(`bounced to ${sender.length === 0 ? "the postmaster" : sanitise(sender)}`);
  }
  if (outcome === "discarded") remarks.push("discarded: a double bounce");
  if (outcome === "kept" && delivery.status === "failure") remarks.push("kept");
  const note = noteText(result);
  if (note !== undefined) remarks.push(sanitise(note));
  return remarks;
}

/** Messages without a response, gathered by the reason: a dead server is one piece of news, not one per message. */
export class Unanswered {
  readonly #counts = new Map<string, number>();
  count = 0;

  /** @returns false if there was a response, or there is more to say about the message */
  add({ delivery, note }: MessageResult): boolean {
    if (delivery.origin === "server" || note !== undefined) return false;
    const reason = reasonOf(delivery).toString();
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
    this.count++;
    return true;
  }

  /** Without the numbers, which change from run to run. */
  get reasons(): string {
    return [...this.#counts.keys()].join("\n");
  }

  lines(): string[] {
    return [...this.#counts].map(([reason, count]) => `${counted(count, "message")} kept: ${reason}`);
  }
}

/** Totals of a run. */
export class MaildirSummary {
  readonly #counts = { success: 0, deferral: 0, failure: 0 };
  readonly #outcomes = { removed: 0, bounced: 0, discarded: 0, kept: 0 };
  #possibleDuplicates = 0;
  unusable = 0;
  /** Messages left when a signal ended the run. */
  notSent = 0;
  sessions = 0;

  add({ delivery, outcome }: MessageResult): void {
    this.#counts[delivery.status]++;
    this.#outcomes[outcome]++;
    if (delivery.possibleDuplicate) this.#possibleDuplicates++;
  }

  get messages(): number {
    const { success, deferral, failure } = this.#counts;
    return success + deferral + failure;
  }

  /**
   * A line about messages that may be delivered twice; undefined if there are none. Most servers had not read what was
   * sent last when the connection broke, so the number is a limit.
   */
  duplicatesLine(): string | undefined {
    const count = this.#possibleDuplicates;
    if (count === 0) return undefined;
    const which = count === 1 ? "1 message" : `up to ${count} messages`;
    return `${which} may be delivered twice: sent once without a response`;
  }

  /** A line for people; undefined if there was nothing to do. @param error why the run ended early */
  line(error: QmtpError | null): string | undefined {
    if (this.messages === 0 && this.unusable === 0 && this.notSent === 0) return undefined;
    const outcomes = { ...this.#outcomes, skipped: this.unusable };
    const parts = [listCounts(this.#counts), listCounts(outcomes)].filter((part) => part !== "");
    if (this.notSent > 0) parts.push(`${this.notSent} not sent (${error?.message})`);
    return `${counted(this.messages, "message")}: ${parts.join("; ")}`;
  }

  json(maildir: string, exitCode: number, elapsedMs: number, error: QmtpError | null): string {
    return toJson({
      schema: 1,
      type: "summary",
      exitCode,
      maildir,
      counts: this.#counts,
      // The same number under an older name, which programs may read.
      files: { ...this.#outcomes, skipped: this.unusable, unusable: this.unusable },
      notSent: this.notSent,
      possibleDuplicates: this.#possibleDuplicates,
      sessions: this.sessions,
      elapsedMs: Math.round(elapsedMs),
      error: errorFields(error),
    });
  }
}

/** `2 success, 1 deferral`: the counts that are not zero. */
function listCounts(counts: Readonly<Record<string, number>>): string {
  const some = Object.entries(counts).filter(([, count]) => count > 0);
  return some.map(([word, count]) => `${count} ${word}`).join(", ");
}
