import { join } from "node:path";
import { pino } from "pino";
import { expect, test } from "vitest";
import { withHeldLog } from "../../src/backup/held-log.ts";
import { Maintenance } from "../../src/backup/maintenance.ts";
import { INGEST_SOCKET, serveControl } from "../../src/control/control.ts";
import { nodeLogFiles } from "../../src/log/files.ts";
import { takeLock } from "../../src/log/lock.ts";
import { generationPath, publishGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelWriter } from "../../src/readmodel/writer.ts";
import { writeLog } from "../log/log-fixture.ts";
import { after, batch } from "../projector/events.ts";
import { temporaryDirectory } from "../temporary.ts";

const ALL = { rule: { keepBytes: 0 }, mode: "archive" } as const;

/** A log of three segments, the first two of them folded by the live generation. */
async function open() {
  const data = temporaryDirectory();
  const files = await nodeLogFiles(join(data, "log"));
  await writeLog(files, [["a"], ["b"], ["c"], ["d"]], 1);
  fold(data, 1, 2);
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
  fold(data, 2, 1);
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
