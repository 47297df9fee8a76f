import type { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import type { DeliveryReport } from "../../src/client/deliver.ts";
import { deliverTogether } from "../../src/client/deliver-together.ts";
import type { Route } from "../../src/client/route.ts";
import { Sessions } from "../../src/client/sessions.ts";
import { QmtpError } from "../../src/errors.ts";
import type { Package } from "../../src/protocol/package.ts";
import type { Limits } from "../../src/session/contract.ts";
import type { Endpoint } from "../../src/transport/endpoint.ts";
import { PackageParser } from "../lost/packages.ts";
import { connectionPair } from "../session/pair.ts";
import { LIMITS, line, pkg } from "../session/sending.ts";

/** A server's side of a connection: what arrived, and what it does about it. */
class Serving {
  readonly recipients: string[] = [];
  readonly #server: Duplex;

  constructor(server: Duplex, onPackage: (recipient: string, serving: Serving) => void) {
    this.#server = server;
    const parser = new PackageParser();
    server.on("data", (chunk: Buffer) => {
      for (const { recipient } of parser.push(chunk)) {
        this.recipients.push(recipient);
        onPackage(recipient, this);
      }
    });
    server.on("end", () => server.end());
  }

  answer(text = "Kok"): void {
    this.#server.write(`${text.length}:${text},`);
  }

  close(): void {
    this.#server.end();
  }
}

const endpoint = (host: string): Endpoint => ({ kind: "tcp", host, port: 209 });
const refusal = () => new QmtpError("connect-failed", "cannot connect: refused");

interface Run {
  readonly route: Partial<Omit<Route, "limits">> & { readonly limits?: Partial<Limits> };
  readonly sessions: number;
  readonly spread?: boolean;
  /** Those of earlier calls. */
  readonly shared?: Sessions;
  readonly packages: number;
  /** A server for this host and number of connection; it throws if there is none. */
  readonly connect: (host: string, number: number, signal: AbortSignal) => Duplex | Promise<Duplex>;
}

const packagesOf = (count: number): Package[] =>
  Array.from({ length: count }, (_, index) => pkg("hi", `${index}@y`));

/** Sends packages to `0@y`, `1@y` and on. */
function deliver({
  route,
  sessions,
  spread = false,
  packages,
  connect,
  shared,
}: Partial<Run>): Promise<DeliveryReport> {
  let connections = 0;
  const open: Route["connector"]["open"] = async ([one], signal) => {
    const { host } = one as Endpoint & { kind: "tcp" };
    const connection = await (connect as Run["connect"])(host, ++connections, signal);
    return {
      connection,
      server: { endpoint: `qmtp://${host}:209`, address: null, port: null, tls: null },
      connectMs: 1,
    };
  };
  const whole: Route = {
    endpoints: [endpoint("one")],
    connector: { open },
    signal: new AbortController().signal,
    ...route,
    limits: { ...LIMITS, ...route?.limits },
  };
  const options = { count: sessions ?? 3, spread };
  return deliverTogether(packagesOf(packages ?? 0), whole, shared ?? new Sessions(options));
}

/** A connection to a server that answers this way; by default, it accepts everything. */
function served(
  onPackage: (recipient: string, serving: Serving) => void = (_, serving) => serving.answer(),
  all: Serving[] = [],
): Duplex {
  const { client, server } = connectionPair();
  all.push(new Serving(server, onPackage));
  return client;
}

const allOk = (count: number) => Array.from({ length: count }, (_, index) => `${index}@y success: ok`);

describe("several sessions", () => {
  test("share the packages, and the results are in the order of the recipients", async () => {
    const all: Serving[] = [];
    const report = await deliver({
      packages: 30,
      connect: () => served((_, serving) => setImmediate(() => serving.answer()), all),
    });
    expect(report.deliveries.map(line)).toEqual(allOk(30));
    expect([report.cause, report.sessions?.map(({ number }) => number)]).toEqual([null, [1, 2, 3]]);
    expect(all.every(({ recipients }) => recipients.length > 1)).toBe(true);
    // Each delivery names the session that had it.
    for (const { recipient, session } of report.deliveries) {
      expect(all[(session as number) - 1]?.recipients).toContain(recipient.toString());
    }
  });

  test("are no more than there are packages", async () => {
    let connections = 0;
    const connect = () => {
      connections++;
      return served();
    };
    const report = await deliver({ sessions: 100, packages: 4, connect });
    expect([report.deliveries.map(line), connections]).toEqual([allOk(4), 4]);
  });

  test("connect at most 32 at a time", async () => {
    let [now, most] = [0, 0];
    const connect = async () => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      now--;
      return served((_, serving) => setImmediate(() => serving.answer()));
    };
    const report = await deliver({ sessions: 200, packages: 5_000, connect });
    expect([report.deliveries.length, report.cause, most]).toEqual([5_000, null, 32]);
    expect(report.sessions?.length).toBe(200);
  });

  test("are not held back by one whose server is slow, which has one package until it answers", async () => {
    const all: Serving[] = [];
    let others = 0;
    const connect = (_: string, number: number) =>
      served((recipient, serving) => {
        if (number > 1) serving.answer();
        if (number > 1 && ++others === 29) all[0]?.answer();
        if (number === 1) expect(recipient).toBe("0@y");
      }, all);
    const report = await deliver({ packages: 30, connect });
    expect(report.deliveries.map(line)).toEqual(allOk(30));
    expect(all[0]?.recipients).toEqual(["0@y"]);
  });

  test("all wait for responses after a signal, and the rest is deferred", async () => {
    const stop = new AbortController();
    const all: Serving[] = [];
    const connect = () =>
      served(() => {
        if (all.filter(({ recipients }) => recipients.length > 0).length < 3 || stop.signal.aborted) return;
        stop.abort("SIGINT");
        for (const serving of all) serving.answer();
      }, all);
    const report = await deliver({
      packages: 5,
      route: { signal: stop.signal, limits: { drainMs: 10_000 } },
      connect,
    });
    const why = "deferral: interrupted by SIGINT";
    expect(report.deliveries.map(line)).toEqual([...allOk(3), `3@y ${why}`, `4@y ${why}`]);
    expect(report.cause?.error.code).toBe("interrupted");
  });
});

describe("a session that breaks among several", () => {
  const LOST =
    "deferral: connection closed before a response came (the message may have been delivered) (twice?)";

  test("defers what it had, and the others send the rest", async () => {
    const connect = (_: string, number: number) =>
      served((_, serving) => (number === 1 ? serving.close() : serving.answer()));
    const { deliveries, cause, sessions } = await deliver({ packages: 9, connect });
    expect(deliveries.map(line)).toEqual([`0@y ${LOST}`, ...allOk(9).slice(1)]);
    expect(cause?.error.code).toBe("connection-closed");
    expect(sessions?.map((one) => one.cause?.error.code)).toEqual([
      "connection-closed",
      undefined,
      undefined,
    ]);
  });

  test("is replaced if it was of use, so that the number of sessions stays", async () => {
    let connections = 0;
    const connect = () => {
      connections++;
      return served((_, serving) => {
        serving.answer();
        if (serving.recipients.length === 2) serving.close();
      });
    };
    const { deliveries } = await deliver({ sessions: 2, packages: 40, connect });
    // Each connection gets two answers, and then has at most four packages in flight.
    expect(deliveries.filter(({ status }) => status === "success").length).toBeGreaterThanOrEqual(13);
    expect(connections).toBeGreaterThanOrEqual(7);
  });

  test("is not replaced if its server broke the protocol", async () => {
    let connections = 0;
    const connect = () => {
      connections++;
      return served((_, serving) => serving.answer(serving.recipients.length === 2 ? "what" : "Kok"));
    };
    const { violations } = await deliver({ sessions: 2, packages: 40, connect });
    expect([connections, violations.length]).toEqual([2, 2]);
  });
});

describe("a session that cannot connect", () => {
  test("does not matter if the others send everything, and keeps more from trying", async () => {
    let connections = 0;
    const connect = async () => {
      if (++connections > 40) throw refusal();
      await new Promise(setImmediate);
      return served((_, serving) => setImmediate(() => serving.answer()));
    };
    const report = await deliver({ sessions: 500, packages: 3_000, connect });
    expect([report.deliveries.every(({ status }) => status === "success"), report.cause]).toEqual([
      true,
      null,
    ]);
    expect(connections).toBeLessThan(40 + 2 * 32);
    expect(report.sessions?.some(({ cause }) => cause?.error.code === "connect-failed")).toBe(true);
  });

  test("is the reason for each recipient if none can", async () => {
    const connect = () => {
      throw refusal();
    };
    const { deliveries, cause } = await deliver({ packages: 4, connect });
    const lines = allOk(4).map((one) => one.replace(/success.*/, "deferral: cannot connect: refused"));
    expect([deliveries.map(line), cause?.error.code]).toEqual([lines, "connect-failed"]);
  });

  test("is not waited for once the others have sent everything", async () => {
    const connect = (_: string, number: number, signal: AbortSignal) =>
      number > 1
        ? served()
        : new Promise<Duplex>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const { deliveries, cause, sessions } = await deliver({ packages: 6, connect });
    expect([deliveries.map(line), cause, sessions?.length]).toEqual([allOk(6), null, 2]);
  });
});

describe("of several endpoints", () => {
  const endpoints = ["a", "b", "c"].map(endpoint);
  /** Connections to each host, with those that cannot be reached. */
  async function hosts(spread: boolean, down: readonly string[] = []): Promise<string[]> {
    const tried: string[] = [];
    const waiting: (() => void)[] = [];
    const connect = (host: string) => {
      tried.push(host);
      if (down.includes(host)) throw refusal();
      // All are connected before the first is answered.
      return served((_, serving) => {
        waiting.push(() => serving.answer());
        if (waiting.length === 6) for (const answer of waiting) answer();
      });
    };
    const report = await deliver({ sessions: 6, packages: 6, spread, route: { endpoints }, connect });
    expect(report.deliveries.map(line)).toEqual(allOk(6));
    return tried.filter((host) => !down.includes(host)).sort();
  }

  test("the first that can be reached serves all sessions", async () => {
    expect(await hosts(false)).toEqual(["a", "a", "a", "a", "a", "a"]);
    expect(await hosts(false, ["a"])).toEqual(["b", "b", "b", "b", "b", "b"]);
  });

  test("with spread, all that can be reached have the same number of sessions", async () => {
    expect(await hosts(true)).toEqual(["a", "a", "b", "b", "c", "c"]);
    expect(await hosts(true, ["b"])).toEqual(["a", "a", "a", "c", "c", "c"]);
    expect(await hosts(true, ["a", "c"])).toEqual(["b", "b", "b", "b", "b", "b"]);
  });

  test("with spread, one that has broken its sessions without an answer gets no more of them", async () => {
    const tried: string[] = [];
    const connect = (host: string) => {
      tried.push(host);
      return served((_, serving) => (host === "a" ? serving.close() : serving.answer()));
    };
    const options = { route: { endpoints }, connect, shared: new Sessions({ count: 3, spread: true }) };
    const first = await deliver({ ...options, packages: 3 });
    expect(first.deliveries.map(({ status }) => status)).toEqual(["deferral", "success", "success"]);
    const second = await deliver({ ...options, packages: 3 });
    expect(second.deliveries.map(line)).toEqual(allOk(3));
    expect([tried.slice(0, 3), tried.slice(3).includes("a")]).toEqual([["a", "b", "c"], false]);
  });
});
