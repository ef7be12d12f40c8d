import { expect, test } from "vitest";
import { DURABLE_MARK_NAME } from "../../src/log/durable-mark.ts";
import type { LogFiles } from "../../src/log/files.ts";
import { decodeDurableMark, encodeDurableMark, encodeFrame, segmentName } from "../../src/log/format.ts";
import { RecordEncoder } from "../../src/log/records.ts";
import { verifyLog } from "../../src/log/verify.ts";
import { openLog } from "../../src/log/writer.ts";
import { FaultFiles } from "./fault-files.ts";
import { append, event, flipped, readBytes, verify, writeBytes, writeLog } from "./log-fixture.ts";

const HEADER_BYTES = 64;

/** A log with the segments 0 (a, bc), 3 (d, e) and 5 (f). */
async function threeSegments(): Promise<LogFiles> {
  const files = new FaultFiles();
  await writeLog(files, [["a"], ["b", "c"], ["d"], ["e"], ["f"]], 310);
  expect(await segmentsOf(files)).toEqual([0, 3, 5].map(segmentName));
  return files;
}

async function segmentsOf(files: LogFiles): Promise<string[]> {
  return (await files.list()).filter((name) => name.endsWith(".log")).sort();
}

/** What is found wrong, as file, byte and words. */
async function problems(files: LogFiles): Promise<[string, number, string][]> {
  return (await verify(files)).problems.map(({ file, position, problem }) => [file, position, problem]);
}

/** Everything in the directory, to see that nothing was changed. */
async function contents(files: LogFiles): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const name of await files.list()) contents.set(name, (await readBytes(files, name)).toString("hex"));
  return contents;
}

async function changeMark(files: LogFiles, change: object): Promise<void> {
  const mark = decodeDurableMark(await readBytes(files, DURABLE_MARK_NAME));
  if (!mark) throw new Error("there is no mark");
  await writeBytes(files, DURABLE_MARK_NAME, encodeDurableMark({ ...mark, ...change }));
}

test("a whole log has no problems, and is counted", async () => {
  const files = await threeSegments();
  const before = await contents(files);
  const report = await verify(files);
  expect(report).toMatchObject({
    ...{ segments: 3, frames: 5, records: 6, firstOffset: 0, endOffset: 6 },
    ...{ isToEnd: true, torn: undefined, problems: [] },
  });
  const sizes = await Promise.all((await segmentsOf(files)).map((name) => readBytes(files, name)));
  expect(report.bytes).toBe(sizes.reduce((sum, bytes) => sum + bytes.length, 0));
  expect(await contents(files)).toEqual(before);
});

test("a directory without a log has no problems", async () => {
  expect(await verify(new FaultFiles())).toMatchObject({ segments: 0, records: 0, problems: [] });
});

test("every bit of every segment has a meaning: flipped, it is found in its file, and nothing is changed", async () => {
  const files = await threeSegments();
  for (const hasMark of [true, false]) {
    if (!hasMark) await files.remove(DURABLE_MARK_NAME);
    for (const name of await segmentsOf(files)) {
      const whole = await readBytes(files, name);
      for (let bit = 0; bit < whole.length * 8; bit += 1) {
        const damaged = flipped(whole, bit);
        await writeBytes(files, name, damaged);
        const found = await problems(files);
        expect(found, `bit ${bit} of ${name}`).toEqual([[name, expect.any(Number), expect.any(String)]]);
        expect(found[0]?.[1], `bit ${bit} of ${name}`).toBeLessThanOrEqual(bit >> 3);
        expect((await readBytes(files, name)).equals(damaged)).toBe(true);
      }
      await writeBytes(files, name, whole);
    }
  }
});

test("a bit flipped in the durable mark is no damage: the mark counts as missing, as after a power cut", async () => {
  const files = await threeSegments();
  const whole = await readBytes(files, DURABLE_MARK_NAME);
  for (let bit = 0; bit < whole.length * 8; bit += 37) {
    await writeBytes(files, DURABLE_MARK_NAME, flipped(whole, bit));
    expect(await verify(files), `bit ${bit}`).toMatchObject({ mark: undefined, records: 6, problems: [] });
  }
});

test("it goes on with the next segment after a damaged one", async () => {
  const files = await threeSegments();
  for (const name of await segmentsOf(files)) {
    await writeBytes(files, name, flipped(await readBytes(files, name), 8 * (HEADER_BYTES + 40)));
  }
  expect(await problems(files)).toEqual(
    [0, 3, 5].map((segment) => [segmentName(segment), HEADER_BYTES, "the CRC of the payload is wrong"]),
  );
});

test("a segment that is missing, and one of another log", async () => {
  const files = await threeSegments();
  const end = (await readBytes(files, segmentName(0))).length;
  const middle = await readBytes(files, segmentName(3));
  await files.remove(segmentName(3));
  expect(await problems(files)).toEqual([
    [segmentName(0), end, "it ends at offset 3, and the next segment begins at 5"],
  ]);
  const other = await threeSegments();
  await writeBytes(other, segmentName(3), middle);
  expect(await problems(other)).toEqual([
    [segmentName(3), 16, expect.stringMatching(/^it belongs to log [0-9a-f-]+, not to [0-9a-f-]+$/)],
  ]);
});

test("a first segment of another log does not make the others wrong", async () => {
  const files = await threeSegments();
  await writeBytes(files, segmentName(0), await readBytes(await threeSegments(), segmentName(0)));
  expect((await problems(files)).map(([file]) => file)).toEqual([segmentName(0)]);
});

test("a log whose oldest segments were taken away is whole", async () => {
  const files = await threeSegments();
  await files.remove(segmentName(0));
  expect(await verify(files)).toMatchObject({ firstOffset: 3, endOffset: 6, records: 3, problems: [] });
});

test("segments that are taken off the beginning while it reads are no damage", async () => {
  for (const pruned of [1, 2]) {
    for (let at = 1; at < 30; at += 1) {
      const files = await threeSegments();
      const [first, second] = await segmentsOf(files);
      let opened = 0;
      const pruning: LogFiles = {
        ...proxied(files),
        open: async (name, mode) => {
          opened += 1;
          if (opened === at)
            for (const gone of [first, second].slice(0, pruned)) await files.remove(gone ?? "");
          return files.open(name, mode);
        },
      };
      expect((await verify(pruning)).problems, `${pruned} gone at open ${at}`).toEqual([]);
      if (opened < at) break;
    }
  }
});

test("a durable mark that is ahead, of another log, or of another place", async () => {
  const files = await threeSegments();
  await changeMark(files, { nextOffset: 8, segment: 7 });
  expect(await problems(files)).toEqual([
    [DURABLE_MARK_NAME, 0, expect.stringContaining("2 acknowledged events are missing")],
  ]);
  await changeMark(files, { segment: 5, position: 10_000 });
  expect(await problems(files)).toEqual([
    [DURABLE_MARK_NAME, 0, expect.stringContaining("2 acknowledged events are missing")],
  ]);
  await changeMark(files, { nextOffset: 6, position: 70 });
  expect(await problems(files)).toEqual([
    [DURABLE_MARK_NAME, 0, expect.stringContaining("where no frame ends")],
  ]);
  await changeMark(files, { position: 64 });
  expect(await problems(files)).toEqual([[DURABLE_MARK_NAME, 0, expect.stringContaining("does not fit")]]);
  await changeMark(files, { logId: "0198c0de-0000-7000-8000-0123456789ab" });
  expect(await problems(files)).toEqual([
    [DURABLE_MARK_NAME, 0, expect.stringContaining("it is of log 0198c0de")],
  ]);
  for (const name of await segmentsOf(files)) await files.remove(name);
  expect(await problems(files)).toEqual([[DURABLE_MARK_NAME, 0, expect.stringContaining("are gone")]]);
});

test("a mark that is behind is none the worse: a power cut may leave an old one", async () => {
  const files = await threeSegments();
  await changeMark(files, { segment: 3, nextOffset: 3, position: 64, crc: await headerCrc(files, 3) });
  expect(await verify(files)).toMatchObject({ endOffset: 6, isToEnd: true, problems: [] });
});

async function headerCrc(files: LogFiles, segment: number): Promise<number> {
  return (await readBytes(files, segmentName(segment))).readUInt32LE(60);
}

test("a torn write at the end is told from damage, and only when nothing of it was acknowledged", async () => {
  const files = new FaultFiles();
  await writeLog(files, [["a"], ["b"]]);
  const mark = await readBytes(files, DURABLE_MARK_NAME);
  const start = (await readBytes(files, segmentName(0))).length;
  await writeLog(files, [["c"]]);
  const whole = await readBytes(files, segmentName(0));
  await writeBytes(files, segmentName(0), whole.subarray(0, -3));
  expect(await problems(files)).toEqual([[segmentName(0), start, "the file ends within a frame"]]);
  await writeBytes(files, DURABLE_MARK_NAME, mark);
  expect(await verify(files)).toMatchObject({
    torn: { file: segmentName(0), position: start, bytes: whole.length - 3 - start },
    problems: [],
    endOffset: 2,
  });
});

test("while a server writes, nothing behind the durable mark is judged", async () => {
  const files = new FaultFiles();
  const { log } = await openLog(files, 250);
  for (const id of ["a", "b", "c", "d"]) await append(log, [id]);
  const last = (await segmentsOf(files)).at(-1) ?? "";
  await writeBytes(files, last, Buffer.concat([await readBytes(files, last), Buffer.from("half a frame")]));
  expect(await verifyLog(files, { lock: () => undefined })).toMatchObject({
    ...{ isToEnd: false, records: 4, problems: [] },
  });
  expect((await verify(files)).torn).toMatchObject({ file: last, bytes: 12 });
});

test("without a mark, and with a server that writes, it is not known how far to read", async () => {
  const files = await threeSegments();
  await files.remove(DURABLE_MARK_NAME);
  const { problems } = await verifyLog(files, { lock: () => undefined });
  expect(problems).toMatchObject([{ file: DURABLE_MARK_NAME, problem: expect.stringContaining("how far") }]);
});

test("a time of receipt that goes back, within a frame or from one to the next", async () => {
  const files = new FaultFiles();
  const { log } = await openLog(files);
  await append(log, ["a"], 2000);
  const second = (await readBytes(files, segmentName(0))).length;
  await append(log, ["b"], 1000);
  await append(log, ["c"], 1500);
  const mixed = new RecordEncoder().encode([event("d", 1500), event("e", 1400)]);
  const fourth = (await readBytes(files, segmentName(0))).length;
  await log.append({ groups: [mixed], receivedAtMs: 1500 });
  await log.close();
  expect(await problems(files)).toEqual([
    [segmentName(0), second, "the time of receipt goes back from 2000 to 1000"],
    [segmentName(0), fourth, "the time of receipt goes back from 1500 to 1400"],
  ]);
});

test("a payload that is not the promised records, though its CRC is right", async () => {
  const one = new RecordEncoder().encode([event("a", 1000)]);
  const payloads = [
    [{ bytes: one.bytes, count: 2 }, /promises 2 records and has 1/],
    [{ bytes: one.bytes.subarray(0, -1), count: 1 }, /longer than its frame|not as many/],
    [{ bytes: Buffer.from([3, 1, 2, 3]), count: 1 }, /not as many/],
  ] as const;
  for (const [group, words] of payloads) {
    const files = new FaultFiles();
    await writeLog(files, [["x"]]);
    const whole = await readBytes(files, segmentName(0));
    const { bytes } = encodeFrame([group], 1, whole.readUInt32LE(HEADER_BYTES + 28));
    await writeBytes(files, segmentName(0), Buffer.concat([whole, bytes]));
    expect(await problems(files)).toEqual([[segmentName(0), whole.length, expect.stringMatching(words)]]);
  }
});

test("a sector that the disk cannot read is damage there, and hides no frame before it", async () => {
  const files = await threeSegments();
  const { position } = await secondFrame(files);
  const bad: LogFiles = {
    ...proxied(files),
    open: async (name, mode) => {
      const file = await files.open(name, mode);
      if (name !== segmentName(0)) return file;
      return {
        ...file,
        read: async (target, at) => {
          if (at + target.byteLength > position + 40) throw Object.assign(new Error("EIO"), { code: "EIO" });
          return file.read(target, at);
        },
      };
    },
  };
  expect(await verify(bad)).toMatchObject({
    problems: [{ file: segmentName(0), position, problem: "the disk cannot read it (EIO)" }],
    records: 4,
  });
});

async function secondFrame(files: LogFiles): Promise<{ position: number }> {
  const bytes = await readBytes(files, segmentName(0));
  return { position: bytes.indexOf(Buffer.from([0xff, 0x46, 0x52, 0x4d]), HEADER_BYTES + 1) };
}

/** `files` with its methods as own properties, to be spread. */
function proxied(files: LogFiles): LogFiles {
  return {
    directory: files.directory,
    list: () => files.list(),
    open: (name, mode) => files.open(name, mode),
    rename: (from, to) => files.rename(from, to),
    remove: (name) => files.remove(name),
    link: (from, to) => files.link(from, to),
    makeDirectory: (name) => files.makeDirectory(name),
    syncDirectory: (name) => files.syncDirectory(name),
    freeBytes: () => files.freeBytes(),
  };
}
