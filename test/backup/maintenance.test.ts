import { once } from "node:events";
import { readdirSync } from "node:fs";
import fs from "node:fs/promises";
import net from "node:net";
import { basename, dirname, join } from "node:path";
import { pino } from "pino";
import { expect, onTestFinished, test, vi } from "vitest";
import { withHeldLog } from "../../src/backup/held-log.ts";
import { Maintenance } from "../../src/backup/maintenance.ts";
import { backup } from "../../src/cli/backup.ts";
import { INGEST_SOCKET, serveControl } from "../../src/control/control.ts";
import { readDurableMark } from "../../src/log/durable-mark.ts";
import { nodeLogFiles } from "../../src/log/files.ts";
import { segmentName } from "../../src/log/format.ts";
import { takeLock } from "../../src/log/lock.ts";
import { openLog } from "../../src/log/writer.ts";
import { aborted, pause } from "../../src/pause.ts";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { append, flipped, readBytes, writeBytes, writeLog } from "../log/log-fixture.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";
import { recordSyncs } from "./syncs.ts";

const ALL = { rule: { keepBytes: 0 }, mode: "archive" } as const;

/** A log of four segments with an event each; the live generation has folded three: two segments are behind it. */
async function open() {
  const data = temporaryDirectory();
  const files = await nodeLogFiles(join(data, "log"));
  await writeLog(files, [["a"], ["b"], ["c"], ["d"]], 1);
  fold(data, 1, 3);
  publishGeneration(data, 1);
  return { data, files, maintenance: new Maintenance(data, files) };
}

function fold(data: string, generation: number, events: number): void {
  const writer = new ReadModelWriter(generationPath(data, generation), { dedupeWindowMs: 1000 });
  const given = Array.from({ length: events }, () => ({}));
  if (events > 0) writer.apply(batch(given), after(events));
  writer.close();
}

test("what every generation has folded may go, and no more", async () => {
  const { data, maintenance } = await open();
  fold(data, 2, 2);
  const first = await maintenance.prune(ALL);
  expect(first.segments.map(({ firstOffset }) => firstOffset)).toEqual([0]);
  expect(first.unfolded).toBe(2);
});

test("while a rebuild has just begun, or before there are statistics, nothing may go", async () => {
  const { data, maintenance } = await open();
  fold(data, 2, 0);
  expect((await maintenance.prune(ALL)).segments).toEqual([]);
  const empty = new Maintenance(temporaryDirectory(), (await open()).files);
  expect(await empty.prune(ALL)).toMatchObject({ segments: [], unfolded: 3 });
});

test("a prune waits for no backup: it is refused, and possible again afterwards", async () => {
  const { maintenance } = await open();
  const done = new AbortController();
  const held = Promise.withResolvers<void>();
  const holding = maintenance.hold(done.signal, held.resolve);
  await held.promise;
  await expect(maintenance.prune(ALL)).rejects.toThrow("a backup is under way");
  done.abort();
  await holding;
  expect((await maintenance.prune(ALL)).segments.length).toBe(2);
});

test("nothing is deleted before its fold is on disk, and which generation has it", async () => {
  const { data, files } = await open();
  // With a writer, there is a write-ahead log, and what it commits is not synced.
  const writer = new ReadModelWriter(generationPath(data, 1), { dedupeWindowMs: 1000 });
  onTestFinished(() => writer.close());
  writer.apply(batch([{}], 3), after(4));
  const done = recordSyncs();
  const remove = async (name: string) => {
    done.push(name);
    await files.remove(name);
  };
  await new Maintenance(data, { ...files, remove }).prune({ ...ALL, mode: "delete" });
  expect(done).toEqual([`${generationPath(data, 1)}-wal`, data, ...[0, 1, 2].map(segmentName)]);
});

test("a hold lasts as long as its task, through the running server, and is given back when that fails", async () => {
  const { data, maintenance } = await open();
  const server = await serveControl(
    join(data, INGEST_SOCKET),
    maintenance.commands(),
    pino({ level: "silent" }),
  );
  const task = async () => {
    await expect(maintenance.prune(ALL)).rejects.toThrow("a backup is under way");
    return "done";
  };
  expect(await withHeldLog(data, task)).toBe("done");
  const failing = withHeldLog(data, async () => {
    throw new Error("no room");
  });
  await expect(failing).rejects.toThrow("no room");
  await expect.poll(() => maintenance.prune(ALL).then(({ segments }) => segments.length, String)).toBe(2);
  await server.close();
});

test("without a server, the writer's lock is held", async () => {
  const { data } = await open();
  const lock = () => takeLock(join(data, "ingest.lock"), "writing this log");
  await withHeldLog(data, async () => expect(lock).toThrow("another process"));
  lock().release();
});

test("when the server stops, the task is told, and waited for before that is an error", async () => {
  const { data, maintenance } = await open();
  const socket = join(data, INGEST_SOCKET);
  const server = await serveControl(socket, maintenance.commands(), pino({ level: "silent" }));
  let isSettled = false;
  const held = withHeldLog(data, async (lost) => {
    await server.close();
    await aborted(lost);
    await pause(1);
    isSettled = true;
    lost.throwIfAborted();
  });
  await expect(held).rejects.toThrow("the server stopped");
  expect(isSettled).toBe(true);
});

test("a backup whose server stops on the way fails, and leaves nothing that the next attempt meets", async () => {
  const { data, maintenance } = await open();
  const socket = join(data, INGEST_SOCKET);
  const server = await serveControl(socket, maintenance.commands(), pino({ level: "silent" }));
  const target = join(temporaryDirectory(), "backup");
  const connect = vi.spyOn(net, "connect");
  const mkdir = fs.mkdir;
  // The log's directory is made just before the log is copied.
  const spy = vi.spyOn(fs, "mkdir").mockImplementation(async (path, options) => {
    if (basename(String(path)) === "log" && path !== join(data, "log")) {
      const [client] = connect.mock.results;
      await Promise.all([once(client?.value, "close"), server.close()]);
    }
    return mkdir(path, options);
  });
  onTestFinished(() => void vi.restoreAllMocks());
  const { signal } = new AbortController();
  await expect(backup(data, target, signal)).rejects.toThrow("the server stopped");
  spy.mockRestore();
  expect(readdirSync(dirname(target))).toEqual([]);
  expect(await backup(data, target, signal)).toContain("has the log up to offset 4");
});

test("without a server, an old durable mark is renewed; a damaged log is refused", async () => {
  const { data, files } = await open();
  const { log } = await openLog(files);
  const old = await readBytes(files, "durable");
  await append(log, ["e", "f"]);
  await log.close();
  await writeBytes(files, "durable", old);
  const marked = async () => (await readDurableMark(files))?.nextOffset;
  expect(await withHeldLog(data, marked)).toBe(6);
  const last = segmentName(3);
  await writeBytes(files, last, flipped(await readBytes(files, last), 8 * 100));
  await expect(withHeldLog(data, marked)).rejects.toMatchObject({ name: "LogError", code: "corrupt" });
});

test("without a server, a directory that is no log of ours gets no segment", async () => {
  const data = temporaryDirectory();
  await withHeldLog(data, async () => {});
  expect(readdirSync(join(data, "log"))).toEqual([]);
});
