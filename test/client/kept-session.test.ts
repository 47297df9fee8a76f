import { describe, expect, test } from "vitest";
import { KeptSession } from "../../src/client/kept-session.ts";
import type { Route } from "../../src/client/route.ts";
import type { Delivery } from "../../src/protocol/delivery.ts";
import type { Package } from "../../src/protocol/package.ts";
import { connectionPair, type PairOptions } from "../session/pair.ts";
import { LIMITS, pkg, startConversation, wireOf } from "../session/sending.ts";

const SERVER = { endpoint: "qmtp://one.example:209", address: "192.0.2.1", port: 209, tls: null };
const PACKAGES = [pkg("one", "a@x", "b@x"), pkg("two", "c@x"), pkg("three", "d@x")];
const WIRE = wireOf("one", "a@x", "b@x") + wireOf("two", "c@x") + wireOf("three", "d@x");

/** A kept session to sinks in memory; the first connections have these options. */
function keptSession(...options: readonly PairOptions[]) {
  const accepted: string[] = [];
  let connections = 0;
  let failure: Error | undefined;
  const route: Route = {
    endpoints: [],
    connector: {
      open: async () => {
        const error = failure;
        failure = undefined;
        if (error !== undefined) throw error;
        const { client, server } = connectionPair(options[connections++]);
        const onPackage = ({ answers }: { answers: readonly { recipient: Buffer }[] }) =>
          accepted.push(...answers.map(({ recipient }) => recipient.toString()));
        startConversation(server, { onPackage, onViolation: () => {} }).catch(() => {});
        return { connection: client, server: SERVER, connectMs: 0 };
      },
    },
    limits: LIMITS,
    signal: new AbortController().signal,
  };
  const session = new KeptSession(() => route, { keepMs: 0, onConnected: () => {}, onEnded: () => {} });
  const failNext = (error: Error) => {
    failure = error;
  };
  return { session, accepted, connections: () => connections, failNext };
}

/** Sends the packages at once, and says what became of each recipient. */
async function sendAll(session: KeptSession, packages: readonly Package[] = PACKAGES) {
  const all = await Promise.all(packages.map((one) => session.send(one)));
  await session.close();
  for (const [index, deliveries] of all.entries()) {
    expect(deliveries.map(({ recipient }) => recipient)).toEqual(packages[index]?.recipients);
  }
  return all.flat();
}

/** What each delivery claims is true of what the servers accepted. */
function expectTrue(deliveries: readonly Delivery[], accepted: readonly string[]): void {
  for (const { recipient, status, possibleDuplicate } of deliveries) {
    const times = accepted.filter((one) => one === recipient.toString()).length;
    expect(times).toBeLessThanOrEqual(1);
    if (status === "success") expect(times).toBe(1);
    else if (!possibleDuplicate) expect(times).toBe(0);
  }
}

describe("a connection that is cut after each byte", () => {
  const cuts = [...WIRE].map((_, at) => at);

  test.each(["end", "reset"] as const)(
    "of ours, with %s: every claim is true, nothing is sent twice",
    async (cutWith) => {
      for (const cutUp of cuts) {
        const { session, accepted } = keptSession({ cutUp, cutWith });
        expectTrue(await sendAll(session), accepted);
      }
    },
  );

  test.each(["end", "reset"] as const)("of the server's, with %s: the same", async (cutWith) => {
    for (let cutDown = 0; cutDown < 80; cutDown++) {
      const { session, accepted } = keptSession({ cutDown, cutWith });
      expectTrue(await sendAll(session), accepted);
    }
  });

  test("and again on the next connection: the same", async () => {
    for (const first of cuts.filter((at) => at % 7 === 0)) {
      for (const second of cuts.filter((at) => at % 5 === 0)) {
        const { session, accepted } = keptSession({ cutUp: first }, { cutUp: second });
        expectTrue(await sendAll(session), accepted);
      }
    }
  });
});

test("packages behind the one that was cut go over another connection", async () => {
  const first = wireOf("one", "a@x", "b@x").length;
  const { session, connections } = keptSession({ cutUp: first - 1 });
  const deliveries = await sendAll(session);
  expect(deliveries.map(({ status }) => status)).toEqual(["deferral", "deferral", "success", "success"]);
  expect(connections()).toBe(2);
});

test.each(["at once", "later"])(
  "a message that cannot be read, %s, defers its own recipients alone",
  async (when) => {
    const failing = {
      at: {
        *[Symbol.iterator]() {
          yield Buffer.from("br");
          throw new Error("gone");
        },
      },
      later: {
        async *[Symbol.asyncIterator]() {
          yield Buffer.from("br");
          throw new Error("gone");
        },
      },
    };
    const chunks = () => (when === "at once" ? failing.at : failing.later);
    const broken = { ...pkg("", "x@x"), message: { encoding: "unix" as const, length: 6, chunks } };
    const { session, accepted } = keptSession();
    const deliveries = await sendAll(session, [pkg("one", "a@x"), broken, pkg("two", "c@x")]);
    expect(deliveries.map(({ status }) => status)).toEqual(["success", "deferral", "success"]);
    expect(deliveries[1]).toMatchObject({ error: { code: "message-unreadable" }, possibleDuplicate: false });
    expect(accepted).toEqual(["a@x", "c@x"]);
  },
);

test("an unexpected error rejects what waits, and the next package gets another session", async () => {
  const { session, failNext } = keptSession();
  failNext(new TypeError("a bug"));
  const waiting = [session.send(pkg("one", "a@x")), session.send(pkg("two", "b@x"))];
  await expect(Promise.all(waiting)).rejects.toThrow("a bug");
  await expect(waiting[1]).rejects.toThrow("a bug");
  expect(await sendAll(session, [pkg("three", "c@x")])).toMatchObject([{ status: "success" }]);
});

test("many packages are sent in order", async () => {
  const packages = Array.from({ length: 5_000 }, (_, index) => pkg("m", `${index}@x`));
  const { session, accepted, connections } = keptSession();
  const deliveries = await sendAll(session, packages);
  expect(deliveries.every(({ status }) => status === "success")).toBe(true);
  expect(accepted).toEqual(packages.map(({ recipients }) => String(recipients[0])));
  expect(connections()).toBe(1);
});
