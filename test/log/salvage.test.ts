import { expect, test } from "vitest";
import type { LogFiles } from "../../src/log/files.ts";
import { segmentName } from "../../src/log/format.ts";
import { planRepair, repairLog } from "../../src/log/repair.ts";
import { salvage } from "../../src/log/salvage.ts";
import { openLog } from "../../src/log/writer.ts";
import { FaultFiles, randomOf } from "./fault-files.ts";
import { append, filesIn, flipped, readBytes, readIds, verify, writeBytes } from "./log-fixture.ts";

const HEADER_BYTES = 64;

/** A log with a frame for each id, received one ms after the other; the segments begin with a, c and e. */
async function wholeLog(): Promise<FaultFiles> {
  const files = new FaultFiles();
  const { log } = await openLog(files, 300);
  for (const [index, id] of ["a", "b", "c", "d", "e"].entries()) await append(log, [id], 1000 + index);
  await log.close();
  return files;
}

/** Repairs the log; the directory with what it took away. */
async function repair(files: LogFiles): Promise<LogFiles> {
  const plan = await planRepair(files, await verify(files));
  if (!plan) throw new Error("there is nothing to repair");
  return filesIn(files, await repairLog(files, plan, new Date("2026-01-02T03:04:05.678Z")));
}

async function flip(files: LogFiles, segment: number, byte: number): Promise<void> {
  const name = segmentName(segment);
  await writeBytes(files, name, flipped(await readBytes(files, name), 8 * byte));
}

test("what stands behind the damage is appended with new offsets, and is not appended twice", async () => {
  const files = await wholeLog();
  await flip(files, 2, HEADER_BYTES + 40);
  const damaged = await repair(files);
  expect(await readIds(files)).toEqual(["a", "b"]);
  const counts = { present: 0, unreadable: 0, foreign: [], endOffset: 4 };
  expect(await salvage(files, damaged)).toEqual({ ...counts, appended: 2 });
  expect(await readIds(files)).toEqual(["a", "b", "d", "e"]);
  expect((await verify(files)).problems).toEqual([]);
  expect(await salvage(files, damaged)).toEqual({ ...counts, appended: 0, present: 2 });
  expect(await readIds(files)).toEqual(["a", "b", "d", "e"]);
});

test("what the log kept is not appended, also of the segment that was cut", async () => {
  const files = await wholeLog();
  await flip(files, 0, (await readBytes(files, segmentName(0))).length - 10);
  const damaged = await repair(files);
  expect(await salvage(files, damaged)).toMatchObject({ present: 1, appended: 3 });
  expect(await readIds(files)).toEqual(["a", "c", "d", "e"]);
});

test("of a log whose first header cannot be known, all frames but the damaged one are appended", async () => {
  const files = await wholeLog();
  const first = await readBytes(files, segmentName(0));
  await writeBytes(files, segmentName(0), Buffer.from(first).fill(0, 0, 100));
  const { logId } = await verify(files);
  const damaged = await repair(files);
  expect(await readIds(files)).toEqual([]);
  await salvage(files, damaged);
  expect(await readIds(files)).toEqual(["b", "c", "d", "e"]);
  expect(await verify(files)).toMatchObject({ logId, problems: [] });
});

test("a segment of another log is left out", async () => {
  const files = await wholeLog();
  await writeBytes(files, segmentName(2), await readBytes(await wholeLog(), segmentName(2)));
  const damaged = await repair(files);
  expect(await salvage(files, damaged)).toMatchObject({ appended: 1, foreign: [segmentName(2)] });
  expect(await readIds(files)).toEqual(["a", "b", "e"]);
});

test("nothing is put behind events that were received later", async () => {
  const files = await wholeLog();
  await flip(files, 2, HEADER_BYTES + 40);
  const damaged = await repair(files);
  const { log } = await openLog(files);
  await append(log, ["z"], 2000);
  await log.close();
  await expect(salvage(files, damaged)).rejects.toMatchObject({ name: "LogError", code: "mismatch" });
  expect(await readIds(files)).toEqual(["a", "b", "z"]);
});

test("ended by a power cut at any operation, it is finished by the next one", async () => {
  for (let at = 1; ; at += 1) {
    const files = await wholeLog();
    await flip(files, 2, HEADER_BYTES + 40);
    const damaged = await repair(files);
    // The simulated disk has what was repaired.
    await files.syncDirectory();
    for (const name of await files.list()) {
      const file = await files.open(name, "write");
      await file.datasync();
      await file.close();
    }
    files.kill();
    files.fault = { code: "off", forGood: true, at };
    const isDone = await salvage(files, damaged).then(
      () => true,
      () => false,
    );
    files.powerCut(randomOf(at));
    if (isDone) break;
    await salvage(files, damaged);
    expect(await readIds(files), `operation ${at}`).toEqual(["a", "b", "d", "e"]);
    expect((await verify(files)).problems, `operation ${at}`).toEqual([]);
  }
});
