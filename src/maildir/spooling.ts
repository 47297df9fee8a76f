import { encodeMaildirHead } from "../envelope/maildir-head.ts";
import { reason } from "../errors.ts";
import { LineEndConverter } from "../message/line-ends.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Message } from "../protocol/package.ts";
import { MAX_SYNCS, syncNew, type WrittenMessage, writeMessage } from "./store.ts";

/** A delivery, and whether its message is kept in a spool. */
export type SpooledDelivery = Delivery & { readonly spooled?: boolean };

export interface SpoolResult {
  /** Messages marked as spooled are safely on disk. */
  readonly deliveries: readonly SpooledDelivery[];
  /** Why messages could not be stored, each reason once. */
  readonly problems: readonly string[];
}

/**
 * Stores the message once for each deferred recipient, in files that `qmtp maildir` can deliver later.
 * @param onStored called with the number of files stored so far
 */
export async function spoolDeferred(
  deliveries: readonly Delivery[],
  sender: Buffer,
  message: Message,
  maildir: string,
  onStored?: (count: number) => void,
): Promise<SpoolResult> {
  const problems = new Set<string>();
  const stored = new Set<Delivery>();
  for (const batch of batchesOf(deliveries)) {
    const files = batch.map((delivery) => ({ delivery, file: fileOf(sender, delivery.recipient, message) }));
    for (const { delivery } of await storeTogether(files, maildir, problems)) stored.add(delivery);
    onStored?.(stored.size);
  }
  const kept = stored.size > 0 && (await succeeds(() => syncNew(maildir), problems));
  return {
    deliveries: deliveries.map((delivery) => ({ ...delivery, spooled: kept && stored.has(delivery) })),
    problems: [...problems],
  };
}

/** The deferrals, in batches of files to sync at the same time. */
function* batchesOf(deliveries: readonly Delivery[]): Generator<Delivery[], void> {
  let batch: Delivery[] = [];
  for (const delivery of deliveries) {
    if (delivery.status !== "deferral" || batch.push(delivery) < MAX_SYNCS) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** Stores files, each completely or not at all. @returns those that are in new/, with their bytes on disk */
async function storeTogether<F extends { readonly file: AsyncIterable<Buffer> }>(
  files: readonly F[],
  maildir: string,
  problems: Set<string>,
): Promise<F[]> {
  const written: [F, WrittenMessage][] = [];
  // Written one after the other, because each reader of a large message has a large buffer.
  for (const one of files) {
    await succeeds(async () => {
      written.push([one, await writeMessage(maildir, one.file)]);
    }, problems);
  }
  const placed = await Promise.all(written.map(([, message]) => succeeds(() => message.place(), problems)));
  return written.filter((_, at) => placed[at]).map(([one]) => one);
}

/** Whether the step succeeds; if not, adds the reason to the problems. */
async function succeeds(step: () => Promise<void>, problems: Set<string>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    problems.add(reason(error));
    return false;
  }
}

/** A file for a maildir, where lines end with LF, whatever the encoding on the wire. */
async function* fileOf(sender: Buffer, recipient: Buffer, message: Message): AsyncGenerator<Buffer, void> {
  yield encodeMaildirHead(sender, recipient);
  if (message.encoding === "unix") {
    yield* message.chunks();
    return;
  }
  const converter = new LineEndConverter("unix");
  for await (const chunk of message.chunks()) yield converter.convert(Buffer.from(chunk));
  yield converter.end();
}
