import { networkInterfaces } from "node:os";
import type { Exchanger } from "../transport/mxps.ts";
import { readControlLine } from "./control.ts";

/** Addresses with which every host reaches itself. */
const SELF = ["0.0.0.0", "::"];

/** Names and addresses of this host. */
export class OwnHost {
  readonly #names: readonly string[];
  readonly #addresses: ReadonlySet<string>;

  constructor(names: readonly string[], addresses: readonly string[]) {
    this.#names = names.map(normalized);
    this.#addresses = new Set([...SELF, ...addresses]);
  }

  /**
   * The names come from control/me and control/helohost, the addresses from the system.
   * @throws {QmtpError} unreadable-configuration
   */
  static read(home: string): OwnHost {
    const names = ["me", "helohost"].flatMap((file) => readControlLine(home, file)?.toString() ?? []);
    const addresses = Object.values(networkInterfaces()).flatMap((all) =>
      (all ?? []).map(({ address }) => address),
    );
    return new OwnHost(names, addresses);
  }

  /** Whether this exchanger is this host. */
  is({ host }: Exchanger, addresses: readonly string[]): boolean {
    return (
      this.#names.includes(normalized(host)) || addresses.some((address) => this.#addresses.has(address))
    );
  }
}

function normalized(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
