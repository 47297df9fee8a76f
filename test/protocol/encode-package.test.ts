import { expect, test } from "vitest";
import { encodePackage, type Package, packageLength } from "../../src/protocol/package.ts";
import { wirePackage } from "../support/wire.ts";

const CASES: {
  name: string;
  body: string;
  sender: string;
  recipients: string[];
  encoding: "unix" | "dos";
}[] = [
  { name: "one recipient", body: "hello\n", sender: "a@x", recipients: ["b@y"], encoding: "unix" },
  { name: "an empty message", body: "", sender: "", recipients: ["b@y"], encoding: "unix" },
  { name: "an empty recipient", body: "x", sender: "a@x", recipients: [""], encoding: "unix" },
  {
    name: "several recipients",
    body: "x\r\n",
    sender: "a@x",
    recipients: ["b@y", "c@z", "b@y"],
    encoding: "dos",
  },
  ...[9, 10, 98, 99, 100, 998, 999, 9_999].map((length) => ({
    name: `lengths of ${length} and one more, where a digit is added`,
    body: "x".repeat(length),
    sender: "s".repeat(length),
    recipients: ["r".repeat(length), "r".repeat(length + 1)],
    encoding: "unix" as const,
  })),
];

test.each(CASES)("a small package is written in one go, byte for byte: $name", (written) => {
  const { body, sender, recipients, encoding } = written;
  const half = Math.floor(body.length / 2);
  const chunks = [Buffer.from(body.slice(0, half)), Buffer.from(body.slice(half))];
  const pkg: Package = {
    sender: Buffer.from(sender),
    recipients: recipients.map((recipient) => Buffer.from(recipient)),
    message: { encoding, length: body.length, chunks: () => chunks },
  };
  const wire = wirePackage({
    message: body,
    sender,
    recipients,
    encoding: encoding === "unix" ? "\n" : "\r",
  });
  expect(packageLength(pkg)).toBe(wire.length);
  // The block's bytes before and after it are untouched.
  const block = Buffer.alloc(wire.length + 10, "#");
  encodePackage(pkg, chunks, block, 5);
  expect(block.toString("latin1")).toBe(`#####${wire.toString("latin1")}#####`);
});
