import { describe, expect, test } from "vitest";
import { readNullmailerHead } from "../../src/envelope/nullmailer-head.ts";

/** The head of these bytes, which come in pieces of this size. */
async function headOf(text: string, size: number) {
  async function* pieces() {
    for (let at = 0; at < text.length; at += size) yield Buffer.from(text.slice(at, at + size), "latin1");
  }
  const { sender, recipients, length } = await readNullmailerHead(pieces());
  const said = (bytes: Buffer) => bytes.toString("latin1");
  return { sender: said(sender), recipients: recipients.map(said), message: text.slice(length) };
}

describe.each([1, 2, 3, 7, 1_000])("in pieces of %i bytes", (size) => {
  test.each([
    ["one recipient", "a@x\nb@y\n\nhi\n", { sender: "a@x", recipients: ["b@y"], message: "hi\n" }],
    ["several", "a@x\nb@y\nc@y\n\nhi\n", { sender: "a@x", recipients: ["b@y", "c@y"], message: "hi\n" }],
    ["the null sender", "\nb@y\n\nhi\n", { sender: "", recipients: ["b@y"], message: "hi\n" }],
    ["an empty message", "a@x\nb@y\n\n", { sender: "a@x", recipients: ["b@y"], message: "" }],
    ["an empty line first", "a@x\nb@y\n\n\n\nhi", { sender: "a@x", recipients: ["b@y"], message: "\n\nhi" }],
    ["other bytes", "\xe4@x\nb@\xff\n\n\xe4", { sender: "\xe4@x", recipients: ["b@\xff"], message: "\xe4" }],
  ])("%s", async (_, text, expected) => {
    expect(await headOf(text, size)).toEqual(expected);
  });

  test.each([
    ["", "no empty line"],
    ["a@x\nb@y\n", "no empty line"],
    ["a@x\nb@y", "no empty line"],
    ["a@x\n\nhi\n", "no recipients"],
    ["\n\nhi\n", "no recipients"],
  ])("%j is refused: %s", async (text, why) => {
    await expect(headOf(text, size)).rejects.toThrow(why);
  });
});
