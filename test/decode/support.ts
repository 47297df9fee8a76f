import { Decoder, type DecoderOptions } from "../../src/decode/decoder.ts";
import type { DecodeEvent, Totals } from "../../src/decode/events.ts";

/** What a decoder makes of a stream: events with text in place of bytes, and pieces of a message joined. */
export interface Decoded {
  readonly events: readonly Record<string, unknown>[];
  readonly totals: Totals;
}

export function decode(chunks: readonly Buffer[], options: Partial<DecoderOptions> = {}): Decoded {
  const events: Record<string, unknown>[] = [];
  const decoder = new Decoder((event) => addTo(events, event), { parts: true, ...options });
  for (const chunk of chunks) {
    // A chunk is valid only until the next one comes.
    const own = Buffer.from(chunk);
    decoder.push(own);
    own.fill("?");
  }
  decoder.end();
  return { events, totals: decoder.totals };
}

function addTo(events: Record<string, unknown>[], event: DecodeEvent): void {
  const plain = Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      Buffer.isBuffer(value) ? value.toString("latin1") : value,
    ]),
  );
  const last = events.at(-1);
  if (event.type === "data" && last?.type === "data") last.bytes = `${last.bytes}${plain.bytes}`;
  else events.push(plain);
}

/** The events of these types. */
export function only(decoded: Decoded, ...types: readonly DecodeEvent["type"][]): Record<string, unknown>[] {
  return decoded.events.filter(({ type }) => (types as unknown[]).includes(type));
}
