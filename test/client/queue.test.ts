import { expect, test } from "vitest";
import { Queue } from "../../src/client/queue.ts";

function queueOf(...items: string[]): Queue<string> {
  const queue = new Queue<string>();
  for (const item of items) queue.add(item);
  return queue;
}

test("items are taken in order", () => {
  const queue = queueOf("a", "b", "c");
  expect([queue.take(), queue.take()]).toEqual(["a", "b"]);
  queue.add("d");
  expect([queue.take(), queue.take(), queue.take()]).toEqual(["c", "d", undefined]);
  expect(queue.isEmpty).toBe(true);
});

test("items that were put back are taken first", () => {
  const queue = queueOf("a", "b", "c");
  queue.putBack([queue.take() as string, queue.take() as string]);
  expect(queue.takeAll()).toEqual(["a", "b", "c"]);
  expect(queue.isEmpty).toBe(true);
});

test("an item that was removed is not taken, and one that was taken cannot be removed", () => {
  const queue = queueOf("a", "b", "c");
  expect(queue.remove("b")).toBe(true);
  expect(queue.remove("b")).toBe(false);
  expect([queue.take(), queue.remove("a")]).toEqual(["a", false]);
  expect(queue.take()).toBe("c");
  expect(queue.isEmpty).toBe(true);
});

test("it is empty if all were removed", () => {
  const queue = queueOf("a", "b");
  for (const item of ["a", "b"]) queue.remove(item);
  expect(queue.isEmpty).toBe(true);
  expect(queue.take()).toBeUndefined();
});
