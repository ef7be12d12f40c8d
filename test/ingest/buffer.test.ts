import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { IngestBuffer } from "../../src/ingest/buffer.ts";
import { LogError } from "../../src/log/errors.ts";
import type { EventLog, RecordBatch } from "../../src/log/event-log.ts";
import { gathered } from "./gathered.ts";

/** A log whose appends end when the test says so. */
function manualLog(): { log: EventLog; batches: RecordBatch[]; settle: (error?: Error) => void } {
  const batches: RecordBatch[] = [];
  const pending: PromiseWithResolvers<void>[] = [];
  const log: EventLog = {
    id: "",
    end: 0,
    lastReceivedAtMs: 0,
    failure: new Promise(() => {}),
    append: (batch) => {
      batches.push({ ...batch, groups: [...batch.groups] });
      const settled = Promise.withResolvers<void>();
      pending.push(settled);
      return settled.promise;
    },
    close: async () => {},
  };
  const settle = (error?: Error) => {
    const first = pending.shift();
    if (error) first?.reject(error);
    else first?.resolve();
  };
  return { log, batches, settle };
}

const bytes = (length: number) => ({ bytes: new Uint8Array(length), count: 1 });

test("what arrives while an idle buffer gathers is one commit, and what arrives while it is under way the next", async () => {
  const { log, batches, settle } = manualLog();
  const buffer = new IngestBuffer(log);
  const stored = [buffer.add(bytes(1), 1), buffer.add(bytes(1), 1)];
  await gathered();
  stored.push(...[2, 3, 4].map((length) => buffer.add(bytes(length), length)));
  expect(batches.map((batch) => batch.groups.length)).toEqual([2]);
  settle();
  await stored[0];
  await expect.poll(() => batches.length).toBe(2);
  expect(batches[1]?.groups.map((group) => group.bytes.byteLength)).toEqual([2, 3, 4]);
  expect(batches[1]?.receivedAtMs).toBe(4);
  settle();
  await Promise.all(stored);
  expect(buffer.size).toBe(0);
});

test("who was just answered and sends again is in the next commit, though others wait for it", async () => {
  const { log, batches, settle } = manualLog();
  const buffer = new IngestBuffer(log);
  const first = buffer.add(bytes(1), 1);
  await gathered();
  const stored = [buffer.add(bytes(2), 2), first.then(() => turn()).then(() => buffer.add(bytes(3), 3))];
  settle();
  await expect.poll(() => batches.length).toBe(2);
  expect(batches[1]?.groups.map((group) => group.bytes.byteLength)).toEqual([2, 3]);
  settle();
  await Promise.all(stored);
});

test("nobody is answered before the commit of their own events", async () => {
  const { log, settle } = manualLog();
  const buffer = new IngestBuffer(log);
  const answered: string[] = [];
  const first = buffer.add(bytes(1), 1).then(() => answered.push("first"));
  await gathered();
  const second = buffer.add(bytes(1), 2).then(() => answered.push("second"));
  settle();
  await first;
  expect(answered).toEqual(["first"]);
  expect(buffer.size).toBe(1);
  await gathered();
  settle();
  await second;
  expect(answered).toEqual(["first", "second"]);
});

test("a batch stays below what a frame holds", async () => {
  const { log, batches, settle } = manualLog();
  const buffer = new IngestBuffer(log);
  const third = 3 * 1024 * 1024;
  const stored = [1, third, third, third].map((length) => buffer.add(bytes(length), 1));
  for (let commit = 0; commit < 2; commit += 1) {
    await expect.poll(() => batches.length).toBe(commit + 1);
    settle();
  }
  await Promise.all(stored);
  expect(batches.map((batch) => batch.groups.length)).toEqual([3, 1]);
});

test("a full buffer refuses at once, and takes again when there is room", async () => {
  const { log, settle } = manualLog();
  const buffer = new IngestBuffer(log);
  const stored: Promise<void>[] = [];
  const fill = () => {
    for (let count = 0; count < 1000; count += 1) stored.push(buffer.add(bytes(1024 * 1024), 1));
  };
  expect(fill).toThrow(expect.objectContaining({ name: "IngestError", code: "buffer_full" }));
  expect(stored.length).toBe(64);
  await gathered();
  settle();
  await stored[0];
  stored.push(buffer.add(bytes(1), 1));
  const drained = buffer.drained();
  const settling = setInterval(settle, 1);
  await Promise.all([...stored, drained]);
  clearInterval(settling);
  expect(buffer.size).toBe(0);
});

test("when the log fails, all that waits is rejected as unavailable", async () => {
  const { log, settle } = manualLog();
  const buffer = new IngestBuffer(log);
  const stored = [buffer.add(bytes(1), 1), buffer.add(bytes(1), 1)];
  const failing = setInterval(() => settle(new LogError("failed", "EIO")), 1);
  const outcomes = await Promise.allSettled(stored);
  clearInterval(failing);
  expect(outcomes).toEqual([
    { status: "rejected", reason: expect.objectContaining({ code: "unavailable" }) },
    { status: "rejected", reason: expect.objectContaining({ code: "unavailable" }) },
  ]);
  await buffer.drained();
});

test("all who wait for the buffer to drain are told", async () => {
  const { log, settle } = manualLog();
  const buffer = new IngestBuffer(log);
  const stored = buffer.add(bytes(1), 1);
  const drained = [buffer.drained(), buffer.drained()];
  await gathered();
  settle();
  await Promise.all([stored, ...drained]);
  expect(buffer.size).toBe(0);
});
