/** Where a client connects from. */
export interface ClientAddress {
  /** Null if the connection has none, as on a Unix domain socket. */
  readonly address: string | null;
  readonly port: number | null;
}

/** A client of the sink. */
export interface Client extends ClientAddress {
  /** Clients are numbered from 1. */
  readonly number: number;
}

/** The client's name for lines of output. */
export function clientName({ number, address, port }: Client): string {
  if (address === null) return `client ${number}`;
  return port === null ? address : `${address} port ${port}`;
}
