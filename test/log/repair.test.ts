import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { DURABLE_MARK_NAME } from "../../src/log/durable-mark.ts";
import type { LogFiles } from "../../src/log/files.ts";
import { decodeDurableMark, encodeDurableMark, segmentName } from "../../src/log/format.ts";
import { planRepair, type RepairPlan, repairLog } from "../../src/log/repair.ts";
import { openLog } from "../../src/log/writer.ts";
import { FaultFiles, randomOf } from "./fault-files.ts";
import {
  append,
  flipped,
  readBytes,
  readIds,
  temporaryFiles,
  verify,
  writeBytes,
  writeLog,
} from "./log-fixture.ts";

const HEADER_BYTES = 64;
const SEGMENT_BYTES = 300;
const NOW = new Date("2026-01-02T03:04:05.678Z");
const DIRECTORY = "damaged-20260102T030405.678Z";
/** One frame each; the segments begin with a, c and e. */
const IDS = ["a", "b", "c", "d", "e"];
const SEGMENTS = [0, 2, 4].map(segmentName);

type Contents = ReadonlyMap<string, Buffer>;

async function wholeLog(files: LogFiles): Promise<Contents> {
  await writeLog(
    files,
    IDS.map((id) => [id]),
    SEGMENT_BYTES,
  );
  const contents = await contentsOf(files);
  expect([...contents.keys()].sort()).toEqual([...SEGMENTS, DURABLE_MARK_NAME]);
  return contents;
}

async function contentsOf(files: LogFiles): Promise<Contents> {
  const contents = new Map<string, Buffer>();
  for (const name of await files.list()) contents.set(name, await readBytes(files, name));
  return contents;
}

/** Simulated files with these contents, on disk. */
async function filesOf(contents: Contents): Promise<FaultFiles> {
  const files = new FaultFiles();
  for (const [name, bytes] of contents) await writeBytes(files, name, bytes);
  await files.syncDirectory();
  for (const name of contents.keys()) {
    const file = await files.open(name, "write");
    await file.datasync();
    await file.close();
  }
  files.kill();
  return files;
}

async function damaged(contents: Contents, name: string, bytes: Buffer): Promise<FaultFiles> {
  return filesOf(new Map(contents).set(name, bytes));
}

function bytesOf(contents: Contents, name: string): Buffer {
  const bytes = contents.get(name);
  if (!bytes) throw new Error(`there is no ${name}`);
  return bytes;
}

async function planOf(files: LogFiles): Promise<RepairPlan> {
  const plan = await planRepair(files, await verify(files));
  if (!plan) throw new Error("there is nothing to repair");
  return plan;
}

async function repair(files: LogFiles): Promise<RepairPlan> {
  const plan = await planOf(files);
  expect(await repairLog(files, plan, NOW)).toBe(DIRECTORY);
  return plan;
}

/** Expects a log that has exactly these events, and goes on. */
async function expectGood(files: LogFiles, ids: readonly string[], what: string): Promise<void> {
  expect((await verify(files)).problems, what).toEqual([]);
  expect(await readIds(files), what).toEqual(ids);
  await writeLog(files, [["y"], ["z"]], SEGMENT_BYTES);
  expect(await readIds(files), what).toEqual([...ids, "y", "z"]);
  expect((await verify(files)).problems, what).toEqual([]);
}

test("any bit flipped: what stands before the damaged frame is kept, and of a damaged header all", async () => {
  const contents = await wholeLog(new FaultFiles());
  for (const [index, name] of SEGMENTS.entries()) {
    const whole = bytesOf(contents, name);
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const files = await damaged(contents, name, flipped(whole, bit));
      await repair(files);
      const frame = Math.floor(
        ((bit >> 3) - HEADER_BYTES) / ((bytesOf(contents, SEGMENTS[0] ?? "").length - HEADER_BYTES) / 2),
      );
      const kept = frame < 0 ? IDS.length : 2 * index + frame;
      await expectGood(files, IDS.slice(0, kept), `bit ${bit} of ${name}`);
      const copy = await readBytes(files, `${DIRECTORY}/${name}`);
      expect(copy.equals(flipped(whole, bit)), `bit ${bit} of ${name}`).toBe(true);
    }
  }
});

test("the plan says what is cut off, and how much of it could be read", async () => {
  const contents = await wholeLog(new FaultFiles());
  const name = segmentName(2);
  const whole = bytesOf(contents, name);
  const files = await damaged(contents, name, flipped(whole, 8 * (HEADER_BYTES + 40)));
  expect(await planOf(files)).toEqual({
    headers: new Map(),
    cut: {
      ...{ segment: 2, name, position: HEADER_BYTES, offset: 2, bytes: whole.length - HEADER_BYTES },
      // "c" is lost; "d" and "e" are whole.
      ...{ behind: [4], storedTo: 5, readable: 2 },
    },
  });
});

test("without a plan that is carried out, nothing is changed", async () => {
  const contents = await wholeLog(new FaultFiles());
  const name = segmentName(2);
  const files = await damaged(contents, name, flipped(bytesOf(contents, name), 8 * (HEADER_BYTES + 40)));
  const before = await contentsOf(files);
  await planOf(files);
  expect(await contentsOf(files)).toEqual(before);
});

test("every file that is changed or taken away is kept as it was, also on the real file system", async () => {
  const files = await temporaryFiles();
  const contents = await wholeLog(files);
  const name = segmentName(2);
  const broken = flipped(bytesOf(contents, name), 8 * (HEADER_BYTES + 40));
  await writeBytes(files, name, broken);
  await repair(files);
  await expectGood(files, ["a", "b"], "a cut log");
  for (const [kept, bytes] of new Map(contents).set(name, broken)) {
    // The first segment was not touched.
    if (kept === segmentName(0)) continue;
    expect(await readBytes(files, `${DIRECTORY}/${kept}`), kept).toEqual(bytes);
  }
  expect((await readBytes(files, segmentName(0))).equals(bytesOf(contents, segmentName(0)))).toBe(true);
});

test("a header that no frame proves takes its segment away, and all behind it; the first segment is left empty", async () => {
  const contents = await wholeLog(new FaultFiles());
  for (const [index, name] of SEGMENTS.entries()) {
    const files = await damaged(contents, name, Buffer.from(bytesOf(contents, name)).fill(0, 60, 100));
    const plan = await repair(files);
    const position = index === 0 ? HEADER_BYTES : 0;
    expect(plan.cut, name).toMatchObject({ position, offset: 2 * index, storedTo: 5 });
    await expectGood(files, IDS.slice(0, 2 * index), name);
  }
});

test("a damaged header whose time of receipt nothing else knows is restored from what is left of it", async () => {
  const contents = await wholeLog(new FaultFiles());
  const pruned = new Map(contents);
  pruned.delete(segmentName(0));
  pruned.delete(DURABLE_MARK_NAME);
  const name = segmentName(2);
  const files = await damaged(pruned, name, flipped(bytesOf(contents, name), 8 * 10));
  expect(await repair(files)).toMatchObject({ cut: undefined });
  await expectGood(files, ["c", "d", "e"], "a pruned log");
});

test("a segment that is missing, or of another log, ends the log before it", async () => {
  const contents = await wholeLog(new FaultFiles());
  const other = await wholeLog(new FaultFiles());
  const name = segmentName(2);
  const without = new Map(contents);
  without.delete(name);
  for (const files of [await filesOf(without), await damaged(contents, name, bytesOf(other, name))]) {
    await repair(files);
    await expectGood(files, ["a", "b"], "an incomplete log");
  }
});

test("a durable mark that is ahead, or of another log, or alone, is made anew", async () => {
  const contents = await wholeLog(new FaultFiles());
  const mark = decodeDurableMark(bytesOf(contents, DURABLE_MARK_NAME));
  if (!mark) throw new Error("there is no mark");
  const ahead = encodeDurableMark({ ...mark, nextOffset: 9, position: 5000 });
  const foreign = encodeDurableMark({ ...mark, logId: "0198c0de-0000-7000-8000-0123456789ab" });
  for (const bytes of [ahead, foreign]) {
    const files = await damaged(contents, DURABLE_MARK_NAME, bytes);
    await expect(openLog(files, SEGMENT_BYTES)).rejects.toMatchObject({ name: "LogError" });
    expect(await repair(files)).toEqual({ headers: new Map(), cut: undefined });
    expect(await readBytes(files, `${DIRECTORY}/${DURABLE_MARK_NAME}`)).toEqual(bytes);
    await expectGood(files, IDS, "a log with a wrong mark");
  }
  const alone = await filesOf(new Map([[DURABLE_MARK_NAME, ahead]]));
  await repair(alone);
  await expectGood(alone, [], "a mark without a log");
});

test("several damaged places: the first one decides", async () => {
  const contents = await wholeLog(new FaultFiles());
  const files = await filesOf(
    new Map(
      [...contents].map(([name, bytes]) => [
        name,
        name === DURABLE_MARK_NAME ? bytes : flipped(bytes, 8 * 200),
      ]),
    ),
  );
  const plan = await repair(files);
  expect(plan.cut).toMatchObject({ segment: 0, offset: 1, behind: [2, 4] });
  await expectGood(files, ["a"], "a log damaged in many places");
});

test("a log of another version, or with records of one, is not touched", async () => {
  const contents = await wholeLog(new FaultFiles());
  const name = segmentName(4);
  const bytes = Buffer.from(bytesOf(contents, name));
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
  const newer = await damaged(contents, name, bytes);
  expect((await verify(newer)).problems).toMatchObject([
    { file: name, problem: expect.stringContaining("version 2") },
  ]);
  expect(await planRepair(newer, await verify(newer))).toBeUndefined();

  const files = await filesOf(contents);
  const { log } = await openLog(files, SEGMENT_BYTES);
  // A record with field 2 only.
  await log.append({ groups: [{ bytes: Buffer.from([2, 0x78, 1]), count: 1 }], receivedAtMs: 1000 });
  await log.close();
  expect((await verify(files)).problems).toMatchObject([
    { problem: expect.stringContaining("does not know") },
  ]);
  expect(await planRepair(files, await verify(files))).toBeUndefined();
});

test("a time of receipt that goes back is left as it is: the log can be read", async () => {
  const files = new FaultFiles();
  const { log } = await openLog(files);
  await append(log, ["a"], 2000);
  await append(log, ["b"], 1000);
  await log.close();
  const report = await verify(files);
  expect(report.problems).toHaveLength(1);
  expect(await planRepair(files, report)).toBeUndefined();
});

test("a whole log, and one with a torn write, needs no repair", async () => {
  const contents = await wholeLog(new FaultFiles());
  const name = segmentName(4);
  for (const bytes of [
    bytesOf(contents, name),
    Buffer.concat([bytesOf(contents, name), Buffer.alloc(100)]),
  ]) {
    const files = await damaged(contents, name, bytes);
    expect(await planRepair(files, await verify(files))).toBeUndefined();
  }
});

test("no room: refused before anything is changed", async () => {
  const contents = await wholeLog(new FaultFiles());
  const name = segmentName(0);
  const files = await damaged(contents, name, flipped(bytesOf(contents, name), 8 * 100));
  files.freeBytes = async () => 16 * 1024 * 1024;
  await expect(repairLog(files, await planOf(files), NOW)).rejects.toMatchObject({
    code: "no_room",
    message: `no room for the repair: it takes 17 MiB in ${files.directory}; nothing was changed`,
  });
  expect(await files.list()).toEqual([...contents.keys()]);
});

test("a repair that a kill or a power cut ends at any operation is finished by the next one", async () => {
  const contents = await wholeLog(new FaultFiles());
  const name = segmentName(2);
  const broken = new Map(contents)
    .set(segmentName(0), flipped(bytesOf(contents, segmentName(0)), 5))
    .set(name, flipped(bytesOf(contents, name), 8 * (bytesOf(contents, name).length - 10)));
  for (const end of ["kill", "power cut"]) {
    for (let at = 1; ; at += 1) {
      const what = `${end} at operation ${at}`;
      const random = randomOf(at);
      const files = await filesOf(broken);
      const plan = await planOf(files);
      files.kill();
      files.fault = { code: "off", forGood: true, at };
      const isDone = await repairLog(files, plan, NOW).then(
        () => true,
        () => false,
      );
      if (end === "kill") files.kill();
      else files.powerCut(random);
      if (isDone) break;
      const report = await verify(files);
      if (report.problems.length > 0) {
        await expect(openLog(files, SEGMENT_BYTES), what).rejects.toMatchObject({ name: "LogError" });
        const again = await planOf(files);
        await repairLog(files, again, new Date(NOW.getTime() + 1));
      } else await (await openLog(files, SEGMENT_BYTES)).log.close();
      await expectGood(files, ["a", "b", "c"], what);
    }
  }
});
