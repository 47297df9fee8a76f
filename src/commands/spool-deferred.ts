import type { Context } from "../context.ts";
import { encodeMaildirHead } from "../envelope/maildir-head.ts";
import { reason } from "../errors.ts";
import { putMessage, syncNew } from "../maildir/store.ts";
import { LineEndConverter } from "../message/line-ends.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Message } from "../protocol/package.ts";
import { sanitise } from "../report/sanitise.ts";

/** A delivery, and whether its message waits in a spool. */
export type SpooledDelivery = Delivery & { readonly spooled?: boolean };

/**
 * Keeps the message for each recipient that was deferred, as a file that `qmtp maildir` delivers. What is called
 * spooled is on the disk; each reason for which a message could not be kept is told once.
 */
export async function spoolDeferred(
  deliveries: readonly Delivery[],
  sender: Buffer,
  message: Message,
  maildir: string,
  { name, stderr }: Pick<Context, "name" | "stderr">,
): Promise<SpooledDelivery[]> {
  const troubles = new Set<string>();
  const attempt = async (storing: () => Promise<void>): Promise<boolean> => {
    try {
      await storing();
      return true;
    } catch (error) {
      troubles.add(reason(error));
      return false;
    }
  };
  const stored = new Set<Delivery>();
  for (const delivery of deliveries) {
    if (delivery.status !== "deferral") continue;
    const file = fileOf(sender, delivery.recipient, message);
    if (await attempt(() => putMessage(maildir, file))) stored.add(delivery);
  }
  const kept = stored.size > 0 && (await attempt(() => syncNew(maildir)));
  for (const trouble of troubles) {
    const line = `cannot keep the message in ${maildir}: ${trouble}; send again to the recipients without (spooled)`;
    stderr.write(`${name}: ${sanitise(line)}\n`);
  }
  return deliveries.map((delivery) => ({ ...delivery, spooled: kept && stored.has(delivery) }));
}

/** Lines end with LF in a maildir, however they do on the wire. */
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
