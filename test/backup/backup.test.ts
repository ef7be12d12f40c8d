import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import Database from "better-sqlite3";
import { expect, test, vi } from "vitest";
import { type Conduct, makeBackup, whole } from "../../src/backup/backup.ts";
import { restoreBackup } from "../../src/backup/restore.ts";
import { nodeLogFiles } from "../../src/log/files.ts";
import { segmentName } from "../../src/log/format.ts";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { readBytes, writeBytes, writeLog } from "../log/log-fixture.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";
import { recordSyncs } from "./syncs.ts";

const paused = vi.hoisted(() => ({ meanwhile: async () => {} }));
vi.mock("../../src/pause.ts", async (original) => ({
  ...(await original<typeof import("../../src/pause.ts")>()),
  pause: () => paused.meanwhile(),
}));

const ignore = () => {};
const quietly: Conduct = { onProgress: ignore, warn: ignore, signal: new AbortController().signal };

/** A data directory with a log of two events, and where a backup of it can go. */
async function open() {
  const data = temporaryDirectory();
  const files = await nodeLogFiles(join(data, "log"));
  await writeLog(files, [["a"], ["b"]]);
  return { data, files, target: join(temporaryDirectory(), "backup") };
}

test("a backup whose log would lack events that are in the statistics is refused, and not left behind", async () => {
  const { data, target } = await open();
  const writer = new ReadModelWriter(generationPath(data, 1), { dedupeWindowMs: 1000 });
  writer.apply(batch([{}, {}, {}]), after(3));
  writer.close();
  publishGeneration(data, 1);
  await expect(makeBackup(data, target, quietly)).rejects.toThrow(
    "the statistics go to offset 3, and the log's durable mark only to 2",
  );
  expect(readdirSync(dirname(target))).toEqual([]);
});

test("a backup has the database alone, without what SQLite keeps beside it", async () => {
  const { data, target } = await open();
  const writer = new ReadModelWriter(generationPath(data, 1), { dedupeWindowMs: 1000 });
  writer.apply(batch([{}]), after(1));
  publishGeneration(data, 1);
  await makeBackup(data, target, quietly);
  writer.close();
  expect(readdirSync(target).sort()).toEqual(["analytics-1.db", "analytics.db", "log"]);
});

test.each([
  ["is no database", () => Buffer.alloc(8192, "no database")],
  ["has damaged pages", (bytes: Buffer) => bytes.fill(0x5a, 4096)],
  ["has become empty", () => Buffer.alloc(0)],
])("a database that %s is left out with a warning, and the backup can be restored", async (_, damage) => {
  const { data, target } = await open();
  const writer = new ReadModelWriter(generationPath(data, 1), { dedupeWindowMs: 1000 });
  writer.apply(batch([{}]), after(1));
  writer.close();
  publishGeneration(data, 1);
  const path = generationPath(data, 1);
  const database = new Database(path);
  // What is in the write-ahead log would be read instead.
  database.pragma("wal_checkpoint(TRUNCATE)");
  database.close();
  writeFileSync(path, damage(readFileSync(path)));
  const warn = vi.fn();
  const made = await makeBackup(data, target, { ...quietly, warn });
  expect(made).toMatchObject({ endOffset: 2, hasStatistics: false });
  expect(warn.mock.calls).toEqual([[expect.stringContaining("analytics-1.db is damaged")]]);
  expect(readdirSync(target)).toEqual(["log"]);
  const restored = join(temporaryDirectory(), "restored");
  expect(await restoreBackup(target, restored, quietly)).toMatchObject({ endOffset: 2 });
});

test("the keys of visitors stay out of a backup, which can be restored without them", async () => {
  const { data, target } = await open();
  for (const name of ["visitor.keys", "visitor.keys.new", "import.key"])
    writeFileSync(join(data, name), "key");
  await makeBackup(data, target, quietly);
  expect(readdirSync(target).sort()).toEqual(["import.key", "log"]);
  const restored = join(temporaryDirectory(), "restored");
  expect(await restoreBackup(target, restored, quietly)).toMatchObject({ endOffset: 2 });
});

test("a backup made during an import calls nothing finished that its log may lack, and has the key of what its log has", async () => {
  const { data, target } = await open();
  const state = join(data, "import.key.state");
  writeFileSync(state, "before\n");
  const importing = () => {
    writeFileSync(state, "before\nmeanwhile\n");
    writeFileSync(join(data, "import.key"), "key");
  };
  await makeBackup(data, target, { ...quietly, onProgress: importing });
  expect(readFileSync(join(target, "import.key.state"), "utf8")).toBe("before\n");
  expect(readFileSync(join(target, "import.key"), "utf8")).toBe("key");
});

test("a durable mark that is just being overwritten is read again", async () => {
  const { data, files, target } = await open();
  const mark = await readBytes(files, "durable");
  await writeBytes(files, "durable", mark.subarray(0, 20));
  paused.meanwhile = () => writeBytes(files, "durable", mark);
  expect(await makeBackup(data, target, quietly)).toMatchObject({ endOffset: 2 });
});

test("what is interrupted at the very end does not get its name", async () => {
  const target = join(temporaryDirectory(), "backup");
  const interrupt = new AbortController();
  const made = whole(target, async () => interrupt.abort(new Error("interrupted")), {
    ...quietly,
    signal: interrupt.signal,
  });
  await expect(made).rejects.toThrow("interrupted");
  expect(readdirSync(dirname(target))).toEqual([]);
});

test("a restore that is interrupted while it copies goes no further, and leaves nothing behind", async () => {
  const source = temporaryDirectory();
  const files = await nodeLogFiles(join(source, "log"));
  await writeBytes(files, segmentName(0), Buffer.from("found to be damaged, if it is verified"));
  const restored = join(temporaryDirectory(), "restored");
  const interrupted = AbortSignal.abort(new Error("interrupted"));
  await expect(restoreBackup(source, restored, { ...quietly, signal: interrupted })).rejects.toThrow(
    "interrupted",
  );
  expect(readdirSync(dirname(restored))).toEqual([]);
});

test("a restore that is interrupted while it verifies goes no further, and leaves nothing behind", async () => {
  const { data, target } = await open();
  await makeBackup(data, target, quietly);
  const restored = join(temporaryDirectory(), "restored");
  const interrupt = new AbortController();
  const onProgress = vi.fn(() => interrupt.abort(new Error("interrupted")));
  await expect(
    restoreBackup(target, restored, { ...quietly, onProgress, signal: interrupt.signal }),
  ).rejects.toThrow("interrupted");
  expect(onProgress).toHaveBeenCalledTimes(1);
  expect(readdirSync(dirname(restored))).toEqual([]);
});

test("a target that cannot be made is named, with what to do", async () => {
  const directory = temporaryDirectory();
  const file = join(directory, "file");
  writeFileSync(file, "");
  const fill = async () => {};
  await expect(whole(file, fill, quietly)).rejects.toThrow(/file is not a directory: name a directory/);
  await expect(whole(join(file, "a"), fill, quietly)).rejects.toThrow(
    /a file is in the way: name a directory/,
  );
  await expect(whole(join(file, "a/b"), fill, quietly)).rejects.toThrow(/a file is in the way/);
  mkdirSync(join(directory, `.killed.partial-${process.pid}`));
  await expect(whole(join(directory, "killed"), fill, quietly)).rejects.toThrow(/was killed: remove it/);
});

test("what killed attempts have left beside the target is named, and not removed", async () => {
  const parent = temporaryDirectory();
  for (const name of [".yesterday.partial-17", ".other", "partial-1"]) mkdirSync(join(parent, name));
  const warn = vi.fn();
  await whole(join(parent, "backup"), async () => {}, { ...quietly, warn });
  expect(warn.mock.calls).toEqual([
    [
      expect.stringMatching(
        /\/\.yesterday\.partial-17 is left of .* killed, unless one is under way there: .*remove it$/,
      ),
    ],
  ]);
  expect(readdirSync(parent)).toContain(".yesterday.partial-17");
});

test("of two backups to one target at once, the one that is done later says that it was made meanwhile", async () => {
  const target = join(temporaryDirectory(), "backup");
  const other = async () => {
    mkdirSync(target);
    writeFileSync(join(target, "other"), "");
  };
  await expect(whole(target, other, quietly)).rejects.toThrow(/was made meanwhile: name a directory/);
  expect(readdirSync(dirname(target))).toEqual(["backup"]);
  expect(existsSync(join(target, "other"))).toBe(true);
});

test("the directory above each one that was made is synced", async () => {
  const top = temporaryDirectory();
  const synced = recordSyncs();
  await whole(join(top, "a", "b", "backup"), async () => {}, quietly);
  expect(new Set(synced)).toEqual(
    new Set([top, join(top, "a"), join(top, "a", "b"), expect.stringContaining(".backup.partial")]),
  );
  expect(synced.at(-1)).toBe(join(top, "a", "b"));
});
