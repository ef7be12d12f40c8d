import { chmodSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { LogFile, LogFiles } from "../../src/log/files.ts";
import { takeLock } from "../../src/log/lock.ts";
import { readFromPosition, readFromStart } from "../../src/log/reader.ts";
import { openLog } from "../../src/log/writer.ts";
import { temporaryDirectory } from "../temporary.ts";
import { append, readIds, temporaryFiles, writeLog } from "./log-fixture.ts";

/** `files` with some calls on opened files replaced. */
function withFaults(files: LogFiles, faults: (name: string, file: LogFile) => Partial<LogFile>): LogFiles {
  return {
    ...files,
    open: async (name, mode) => {
      const file = await files.open(name, mode);
      return { ...file, ...faults(name, file) };
    },
  };
}

test("an append resolves only after write and sync", async () => {
  const files = await temporaryFiles();
  const calls: string[] = [];
  const slow = withFaults(files, (name, file) => ({
    write: async (bytes, position) => {
      const count = await file.write(bytes, position);
      calls.push(`written ${name}`);
      return count;
    },
    datasync: async () => {
      await file.datasync();
      calls.push(`synced ${name}`);
    },
  }));
  const { log } = await openLog(slow);
  calls.length = 0;
  await append(log, ["a"]).then(() => calls.push("acknowledged"));
  expect(calls.slice(0, 2)).toEqual(["written 00000000000000000000.log", "synced 00000000000000000000.log"]);
  expect(calls).toContain("acknowledged");
  expect(log.end).toBe(1);
  await log.close();
});

test("short writes are continued", async () => {
  const files = await temporaryFiles();
  const short = withFaults(files, (_, file) => ({
    write: (bytes, position) => file.write(bytes.subarray(0, Math.min(7, bytes.byteLength)), position),
  }));
  await writeLog(short, [["a"], ["b", "c"]]);
  expect(await readIds(files)).toEqual(["a", "b", "c"]);
});

test("the first failed sync is final: nothing more is written, and every append is rejected", async () => {
  const files = await temporaryFiles();
  let syncs = 0;
  let writes = 0;
  const failing = withFaults(files, (name, file) => ({
    write: (bytes, position) => {
      writes += 1;
      return file.write(bytes, position);
    },
    datasync: () => {
      if (name.endsWith(".log")) syncs += 1;
      // 1: recovery's. 2: the first append's.
      return syncs === 2 ? Promise.reject(new Error("EIO")) : file.datasync();
    },
  }));
  const { log } = await openLog(failing);
  await expect(append(log, ["a"])).rejects.toMatchObject({ code: "failed" });
  const writesBefore = writes;
  await expect(append(log, ["b"])).rejects.toMatchObject({ code: "failed" });
  expect({ writes, syncs, end: log.end }).toEqual({ writes: writesBefore, syncs: 2, end: 0 });
  expect((await log.failure).message).toContain("EIO");
});

test("a mark that cannot be written is final as well, for the append that is under way too", async () => {
  const files = await temporaryFiles();
  const marking = Promise.withResolvers<number>();
  let marks = 0;
  const failing = withFaults(files, (name, file) => ({
    write: (bytes, position) => {
      if (name === "durable") marks += 1;
      return name === "durable" && marks === 2 ? marking.promise : file.write(bytes, position);
    },
  }));
  const { log } = await openLog(failing);
  await append(log, ["a"]);
  const second = append(log, ["b"]);
  marking.reject(new Error("EIO"));
  await expect(second).rejects.toMatchObject({ code: "failed" });
  expect((await log.failure).message).toContain("EIO");
  await log.close();
});

test("a failure names no path", async () => {
  const files = await temporaryFiles();
  let renames = 0;
  const rename: LogFiles["rename"] = (from, to) => {
    renames += 1;
    return files.rename(renames === 2 ? "missing" : from, to);
  };
  const { log } = await openLog({ ...files, rename }, 1);
  await append(log, ["a"]);
  await expect(append(log, ["b"])).rejects.toMatchObject({ cause: { code: "ENOENT" } });
  expect((await log.failure).message).toBe(
    "writing the log failed: ENOENT: no such file or directory, rename",
  );
  await log.close();
});

test("segments roll at their size, and reading goes over them", async () => {
  const files = await temporaryFiles();
  const groups = Array.from({ length: 20 }, (_, i) => [`${i}-a`, `${i}-b`]);
  await writeLog(files, groups, 400);
  expect(readdirSync(files.directory).filter((name) => name.endsWith(".log")).length).toBeGreaterThan(5);
  expect(await readIds(files)).toEqual(groups.flat());
  await writeLog(files, [["last"]], 400);
  expect(await readIds(files)).toEqual([...groups.flat(), "last"]);
});

test("a reader gives what becomes durable behind it, also over a new segment", async () => {
  const files = await temporaryFiles();
  const { log } = await openLog(files, 300);
  const reader = await readFromStart(files);
  expect(await reader?.next()).toBeUndefined();
  for (let i = 0; i < 10; i += 1) {
    await append(log, [`${i}`]);
    // The mark is written after the acknowledgement: closing or the next append waits for it.
    await expect.poll(async () => (await reader?.next())?.after.nextOffset).toBe(i + 1);
  }
  await reader?.close();
  await log.close();
});

test("a reader does not go beyond the durable mark", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"]]);
  const { log } = await openLog(
    withFaults(files, (name) => (name === "durable" ? { write: async () => 64 } : {})),
  );
  await append(log, ["b"]);
  await log.close();
  expect(await readIds(files)).toEqual(["a"]);
});

test("reading goes on behind a position, and a position of another log is refused", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b"], ["c"]]);
  const reader = await readFromStart(files);
  await reader?.next();
  const second = await reader?.next();
  await reader?.close();
  if (!second) throw new Error("there is no second frame");
  const resumed = await readFromPosition(files, second.after);
  expect((await resumed.next())?.frame.header.firstOffset).toBe(2);
  await resumed.close();
  const wrong = [
    { ...second.after, logId: "00000000-0000-7000-8000-000000000000" },
    { ...second.after, frameCrc: second.after.frameCrc ^ 1 },
    { ...second.after, nextOffset: 3 },
    { ...second.after, segment: 77 },
    { ...second.after, framePosition: 0 },
    { ...second.after, framePosition: second.after.framePosition + 1 },
  ];
  for (const position of wrong) {
    await expect(readFromPosition(files, position)).rejects.toMatchObject({ code: "mismatch" });
  }
});

test("damage within a segment stops a reader and names the place", async () => {
  const files = await temporaryFiles();
  await writeLog(files, [["a"], ["b"]]);
  const path = join(files.directory, "00000000000000000000.log");
  const bytes = readFileSync(path);
  const damaged = withFaults(files, (name) =>
    name.endsWith(".log")
      ? {
          read: async (target, position) => {
            const copy = Buffer.from(bytes);
            copy[100] = (copy[100] ?? 0) ^ 1;
            return copy.copy(Buffer.from(target.buffer, target.byteOffset, target.byteLength), 0, position);
          },
        }
      : {},
  );
  await expect(readIds(damaged)).rejects.toThrow(/00000000000000000000\.log is damaged at byte 64/);
});

test("a second writer is refused, and let in when the first has released the lock", () => {
  const path = join(temporaryDirectory(), "ingest.lock");
  const lock = takeLock(path, "writing this log");
  expect(() => takeLock(path, "writing this log")).toThrow(/another process is writing this log/);
  lock.release();
  takeLock(path, "writing this log").release();
});

test("a lock file that may not be written is refused: it would not lock", () => {
  const directory = temporaryDirectory();
  const path = join(directory, "ingest.lock");
  takeLock(path, "writing this log").release();
  chmodSync(directory, 0o755);
  chmodSync(path, 0o444);
  // Root may write any file, so root is nobody for a moment.
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    expect(() => takeLock(path, "writing this log")).toThrow("ingest.lock: attempt to write a readonly");
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});

test("a file, or a directory, in the place of a lock file is named", () => {
  const path = join(temporaryDirectory(), "ingest.lock");
  mkdirSync(path);
  expect(() => takeLock(path, "writing this log")).toThrow("ingest.lock: unable to open");
  rmdirSync(path);
  writeFileSync(path, "x".repeat(9000));
  expect(() => takeLock(path, "writing this log")).toThrow("ingest.lock: file is not a database");
});
