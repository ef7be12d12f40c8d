import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DURABLE_MARK_NAME } from "../../src/log/durable-mark.ts";
import type { LogFiles } from "../../src/log/files.ts";
import { segmentName } from "../../src/log/format.ts";
import { openLog } from "../../src/log/writer.ts";
import { append, readIds, temporaryFiles, writeLog } from "./log-fixture.ts";

const FIRST_SEGMENT = segmentName(0);

/** Makes the log one whose last frame was never acknowledged: the mark is as it was before that frame. */
async function logWithUnacknowledgedFrame(
  ids: readonly string[],
): Promise<{ files: LogFiles; start: number }> {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b", "c"]]);
  const mark = readFileSync(join(files.directory, DURABLE_MARK_NAME));
  const start = statSync(join(files.directory, FIRST_SEGMENT)).size;
  await writeLog(files, [[...ids]]);
  writeFileSync(join(files.directory, DURABLE_MARK_NAME), mark);
  return { files, start };
}

async function reopenAndAppend(files: LogFiles): Promise<string[]> {
  await writeLog(files, [["z"]]);
  return readIds(files);
}

test("an event is read back after the log was opened again", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b", "c"]]);
  expect(await reopenAndAppend(files)).toEqual(["a", "b", "c", "z"]);
});

test("the last frame cut at any byte is removed, and the log goes on behind the one before", async () => {
  const { files, start } = await logWithUnacknowledgedFrame(["x".repeat(100)]);
  const path = join(files.directory, FIRST_SEGMENT);
  const whole = readFileSync(path);
  const mark = readFileSync(join(files.directory, DURABLE_MARK_NAME));
  for (let size = start; size < whole.length; size += 1) {
    writeFileSync(path, whole.subarray(0, size));
    writeFileSync(join(files.directory, DURABLE_MARK_NAME), mark);
    expect(await reopenAndAppend(files), `cut at ${size}`).toEqual(["a", "b", "c", "z"]);
  }
});

test("the last frame with any sector unwritten is removed, and kept in a file of its own", async () => {
  const { files, start } = await logWithUnacknowledgedFrame(
    Array.from({ length: 60 }, (_, i) => `event-${i}`),
  );
  const path = join(files.directory, FIRST_SEGMENT);
  const whole = readFileSync(path);
  const mark = readFileSync(join(files.directory, DURABLE_MARK_NAME));
  for (let sector = Math.floor(start / 512); sector * 512 < whole.length; sector += 1) {
    const damaged = Buffer.from(whole);
    damaged.fill(0, Math.max(start, sector * 512), Math.min(whole.length, (sector + 1) * 512));
    writeFileSync(path, damaged);
    writeFileSync(join(files.directory, DURABLE_MARK_NAME), mark);
    expect(await reopenAndAppend(files), `sector ${sector}`).toEqual(["a", "b", "c", "z"]);
    expect(readFileSync(join(files.directory, `${FIRST_SEGMENT}.${start}.torn`))).toEqual(
      damaged.subarray(start),
    );
  }
});

test("a bit flipped anywhere never shortens the log: it is refused, and the file is left as it was", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b", "c"], ["d"]]);
  const path = join(files.directory, FIRST_SEGMENT);
  const whole = readFileSync(path);
  rmSync(join(files.directory, DURABLE_MARK_NAME));
  for (let bit = 0; bit < whole.length * 8; bit += 1) {
    const damaged = Buffer.from(whole);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(path, damaged);
    await expect(openLog(files), `bit ${bit}`).rejects.toMatchObject({ name: "LogError", code: "corrupt" });
    expect(readFileSync(path)).toEqual(damaged);
  }
});

test("a log that ends before the durable mark is refused: acknowledged events are missing", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b"]]);
  const path = join(files.directory, FIRST_SEGMENT);
  truncateSync(path, statSync(path).size - 3);
  await expect(openLog(files)).rejects.toThrow("1 acknowledged events are missing");
});

test("segments that are gone are not taken for a new log", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"]]);
  rmSync(join(files.directory, FIRST_SEGMENT));
  await expect(openLog(files)).rejects.toThrow("1 events were stored");
});

test("a segment of another log is refused", async () => {
  const files = await temporaryFiles();
  const other = await temporaryFiles();
  await writeLog(files, [["a"]], 1);
  await writeLog(other, [["a"], ["b"]], 1);
  const name = segmentName(1);
  writeFileSync(join(files.directory, name), readFileSync(join(other.directory, name)));
  await expect(openLog(files)).rejects.toMatchObject({ code: "mismatch" });
});

test("what is longer than any frame is no torn write, and is not read into memory", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"]]);
  // A sparse file: it takes no room.
  truncateSync(join(files.directory, FIRST_SEGMENT), 2 ** 40);
  await expect(openLog(files)).rejects.toMatchObject({ code: "corrupt" });
});

test("a last record that is unknown is refused by name, and nothing is changed", async () => {
  const files = await temporaryFiles();
  const { log } = await openLog(files);
  // A LogRecord of 2 bytes: field 1000, a varint.
  await log.append({ groups: [{ bytes: Buffer.from([3, 0xc0, 0x3e, 1]), count: 1 }], receivedAtMs: 1 });
  await log.close();
  await expect(openLog(files)).rejects.toThrow(/damaged at byte 64: .* does not know/);
});

test("a segment that was being made when the process died is removed", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"]]);
  writeFileSync(join(files.directory, `${segmentName(1)}.tmp`), "FOOT");
  expect(await reopenAndAppend(files)).toEqual(["a", "z"]);
  expect(readdirSync(files.directory).sort()).toEqual([FIRST_SEGMENT, DURABLE_MARK_NAME]);
});

test("the last time of receipt is known again, also when the last segment has no event yet", async () => {
  const files = await temporaryFiles();
  const { log } = await openLog(files, 1);
  await append(log, ["a"], 5000);
  await append(log, ["b"], 6000);
  await log.close();
  const path = join(files.directory, segmentName(1));
  expect((await openLog(files)).log.lastReceivedAtMs).toBe(6000);
  writeFileSync(path, readFileSync(path).subarray(0, 64));
  rmSync(join(files.directory, DURABLE_MARK_NAME));
  expect((await openLog(files)).log.lastReceivedAtMs).toBe(5000);
});

test("the last frame is written and synced again before it counts: it may be in the page cache alone", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b"]]);
  const calls: string[] = [];
  const watched: LogFiles = {
    ...files,
    open: async (name, mode) => {
      const file = await files.open(name, mode);
      return {
        ...file,
        write: (bytes, position) => {
          calls.push(`write ${name} ${bytes.byteLength}`);
          return file.write(bytes, position);
        },
        datasync: () => {
          calls.push(`sync ${name}`);
          return file.datasync();
        },
      };
    },
  };
  const { log } = await openLog(watched);
  await log.close();
  expect(calls).toEqual([
    expect.stringMatching(`write ${FIRST_SEGMENT} \\d+`),
    `sync ${FIRST_SEGMENT}`,
    `write ${DURABLE_MARK_NAME} 64`,
  ]);
});
