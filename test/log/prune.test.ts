import { readdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { planPrune, prune, readSealedSegments, type SealedSegment } from "../../src/log/prune.ts";
import { readFromPosition, readFromStart } from "../../src/log/reader.ts";
import { openLog } from "../../src/log/writer.ts";
import { append, readIds, temporaryFiles, writeLog } from "./log-fixture.ts";

/** Three segments of 100 bytes with ten events each, received until 1000, 2000 and 3000; the open one has 50 bytes. */
const SEALED: readonly SealedSegment[] = [0, 1, 2].map((n) => ({
  firstOffset: 10 * n,
  endOffset: 10 * n + 10,
  bytes: 100,
  lastReceivedMs: 1000 * (n + 1),
}));
const LAST_BYTES = 50;
const offsets = (plan: { segments: readonly SealedSegment[] }) =>
  plan.segments.map(({ firstOffset }) => firstOffset);

test("by time, a segment goes when all that is in it was received before", () => {
  const plan = (beforeMs: number) => planPrune(SEALED, LAST_BYTES, 31, { beforeMs });
  expect(offsets(plan(1000))).toEqual([]);
  expect(offsets(plan(1001))).toEqual([0]);
  expect(offsets(plan(3000))).toEqual([0, 10]);
  expect(offsets(plan(9999))).toEqual([0, 10, 20]);
});

test("by size, the oldest go until no more is left than is to be kept; the last segment stays", () => {
  const plan = (keepBytes: number) => planPrune(SEALED, LAST_BYTES, 31, { keepBytes });
  expect(offsets(plan(350))).toEqual([]);
  expect(offsets(plan(349))).toEqual([0]);
  expect(offsets(plan(250))).toEqual([0]);
  expect(offsets(plan(249))).toEqual([0, 10]);
  expect(offsets(plan(0))).toEqual([0, 10, 20]);
});

test("what is not folded stays, and is counted", () => {
  for (const [foldedTo, expected] of [
    [0, []],
    [9, []],
    [10, []],
    [11, [0]],
    [29, [0, 10]],
  ] as const) {
    const plan = planPrune(SEALED, LAST_BYTES, foldedTo, { keepBytes: 0 });
    expect(offsets(plan)).toEqual(expected);
    expect(plan.unfolded).toBe(3 - expected.length);
  }
});

test("folding goes on behind what was pruned, also when it had come to the end of a segment", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b"], ["c"]], 1);
  const reader = await readFromStart(files);
  await reader?.next();
  const read = await reader?.next();
  await reader?.close();
  expect(read?.after.nextOffset).toBe(2);
  const { sealed, lastBytes } = await readSealedSegments(files);
  await prune(files, planPrune(sealed, lastBytes, 2, { keepBytes: 0 }), "delete");
  if (!read) throw new Error("nothing was read");
  const next = await readFromPosition(files, read.after);
  expect((await next?.next())?.frame.header.firstOffset).toBe(2);
  await next?.close();
});

test("segments go to the archive beside a writer that goes on, and can be moved back", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a", "b"], ["c"], ["d"]], 1);
  const { log } = await openLog(files, 1);
  const { sealed, lastBytes } = await readSealedSegments(files);
  expect(sealed.map(({ firstOffset, endOffset }) => [firstOffset, endOffset])).toEqual([
    [0, 2],
    [2, 3],
  ]);
  expect(sealed[0]?.lastReceivedMs).toBe(1000);
  await prune(files, planPrune(sealed, lastBytes, 4, { keepBytes: 0 }), "archive");
  await append(log, ["e"]);
  await log.close();
  expect(await readIds(files)).toEqual(["d", "e"]);
  const archive = join(files.directory, "archive");
  expect(readdirSync(archive)).toEqual(["00000000000000000000.log", "00000000000000000002.log"]);
  for (const name of readdirSync(archive)) renameSync(join(archive, name), join(files.directory, name));
  expect(await readIds(files)).toEqual(["a", "b", "c", "d", "e"]);
  const reopened = await openLog(files);
  expect(reopened.log.end).toBe(5);
  await reopened.log.close();
});

test("segments are deleted when that is asked for, and what the archive has is never overwritten", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b"], ["c"]], 1);
  const planNow = async (foldedTo: number) => {
    const { sealed, lastBytes } = await readSealedSegments(files);
    return planPrune(sealed, lastBytes, foldedTo, { keepBytes: 0 });
  };
  const first = await planNow(2);
  await prune(files, first, "archive");
  await prune(files, await planNow(3), "delete");
  expect(await readIds(files)).toEqual(["c"]);
  expect(readdirSync(join(files.directory, "archive"))).toEqual(["00000000000000000000.log"]);
  await expect(prune(files, first, "archive")).rejects.toThrow("the archive has");
  expect(readdirSync(join(files.directory, "archive"))).toEqual(["00000000000000000000.log"]);
});
