import { answered, undecided } from "../answers.ts";
import type { ActiveCase } from "../case.ts";
import { MARK_DOMAIN } from "../inbox.ts";

const SENDER_DOMAIN = `@${MARK_DOMAIN}`;

/** Section 4: senders that servers may not like. They are senders, so that every message goes to the recipient. */
export const SENDER_CASES: readonly ActiveCase[] = [
  sender("quotes", "with blanks, quotes and backslashes", `Hate."The \\Quoting"`),
  sender("8-bit", "with bytes beyond ASCII", "caf\xe9"),
  sender("900", "of 900 bytes", "a".repeat(900 - SENDER_DOMAIN.length)),
  sender("2000", "of 2,000 bytes", "a".repeat(2_000 - SENDER_DOMAIN.length)),
];

function sender(slug: string, what: string, local: string): ActiveCase {
  return {
    id: `4/sender-${slug}`,
    level: "should",
    requirement: `A sender ${what} is answered, and the connection stays usable.`,
    needs: ["to"],
    messages: 1,
    sent: `a package from a sender ${what}`,
    expected: "any response, and the connection stays open",
    advice: `clients must refuse senders ${what} themselves`,
    run: async (probe) => {
      const wire = await probe.open();
      const from = Buffer.from(`${local}${SENDER_DOMAIN}`, "latin1");
      await wire.post(probe.package([probe.to], probe.message().text, from), 1);
      const heard = await wire.hear(1);
      const after = heard.end === "enough" ? await wire.hear(2, probe.subject.waitMs) : heard;
      if (after.end !== "closed") return answered(heard);
      // It may close after every package, which is the case of another requirement.
      if (heard.end === "enough" && (await probe.controls.closes())) throw undecided(after);
      return answered(after);
    },
  };
}
