import { encodeMaildirHead } from "../envelope/maildir-head.ts";
import { reason } from "../errors.ts";
import { LineEndConverter } from "../message/line-ends.ts";
import type { Delivery } from "../protocol/delivery.ts";
import type { Message } from "../protocol/package.ts";
import { putMessage, syncNew } from "./store.ts";

/** A delivery, and whether its message is kept in a spool. */
export type SpooledDelivery = Delivery & { readonly spooled?: boolean };

export interface Spooled {
  /** Messages marked as spooled are safely on disk. */
  readonly deliveries: readonly SpooledDelivery[];
  /** Why messages could not be stored, each reason once. */
  readonly problems: readonly string[];
}

/** Stores the message once for each deferred recipient, in files that `qmtp maildir` can deliver later. */
export async function spoolDeferred(
  deliveries: readonly Delivery[],
  sender: Buffer,
  message: Message,
  maildir: string,
): Promise<Spooled> {
  const problems = new Set<string>();
  const attempt = async (storing: () => Promise<void>): Promise<boolean> => {
    try {
      await storing();
      return true;
    } catch (error) {
      problems.add(reason(error));
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
  return {
    deliveries: deliveries.map((delivery) => ({ ...delivery, spooled: kept && stored.has(delivery) })),
    problems: [...problems],
  };
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
