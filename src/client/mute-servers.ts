import { type Endpoint, formatEndpoint } from "../transport/endpoint.ts";
import type { SessionReport } from "./deliver.ts";

/** Which servers have broken sessions of a run and not answered a single package: the rest goes to the others. */
export class MuteServers {
  readonly #answering = new Set<string>();
  readonly #breaking = new Set<string>();

  /** Call when a session is over, with the number of packages that were answered. */
  judge({ server, cause }: SessionReport, answered: number): void {
    if (answered > 0) this.#answering.add(server.endpoint);
    else if (cause !== null) this.#breaking.add(server.endpoint);
  }

  has(endpoint: Endpoint): boolean {
    if (this.#breaking.size === 0) return false;
    const name = formatEndpoint(endpoint);
    return this.#breaking.has(name) && !this.#answering.has(name);
  }
}
