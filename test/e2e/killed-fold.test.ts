// A fold that is behind, and so writes a batch while it folds the next one, is killed at any moment, again and again: what it
// has in the end is what an undisturbed one has.

import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { nodeLogFiles } from "../../src/log/files.ts";
import { RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { openLog } from "../../src/log/writer.ts";
import { generationPath, listGenerations } from "../../src/readmodel/generations.ts";
import { countedEvents, foldAnew, openTables } from "../crash/stored.ts";
import { checkTables } from "../crash/tables.ts";
import { until } from "../server-process.ts";
import { temporaryDirectory } from "../temporary.ts";
import { Running } from "./server.ts";

const FRAMES = 100;
const FRAME_EVENTS = 2000;
const START_MS = Date.UTC(2025, 10, 12);
const KILLS = 8;
const EVENTS = FRAMES * FRAME_EVENTS;
/** One of each 500 comes again. */
const RESENT = EVENTS / 500;

test("a fold that is killed time and again counts every event once", async () => {
  const data = temporaryDirectory();
  await writeLog(data);
  const positions: number[] = [];
  for (let kill = 1; kill <= KILLS; kill += 1) {
    const before = position(data);
    const rebuild = new Running(["rebuild", "--data", data]);
    // Behind its first batch, of 5000 events, it is folding one and writing another.
    await until("the fold goes on", () => (position(data) > before || before === EVENTS ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, kill * 15));
    rebuild.process.kill("SIGKILL");
    await rebuild.finished;
    positions.push(position(data));
  }
  // Most of them were in the middle of it.
  expect(positions.filter((position) => position > 0 && position < EVENTS).length).toBeGreaterThan(2);
  expect(await new Running(["rebuild", "--data", data]).finished).toMatchObject({ code: 0 });
  const undisturbed = join(temporaryDirectory(), "undisturbed.db");
  await foldAnew(data, undisturbed);
  const [live, fresh] = [openTables(join(data, "analytics.db")), openTables(undisturbed)];
  expect(checkTables(live, fresh)).toEqual([]);
  expect(countedEvents(live)).toHaveLength(EVENTS - RESENT);
  live.close();
  fresh.close();
});

/** Visitors come back after minutes or days, some of their events are late, and some are sent twice. */
async function writeLog(data: string): Promise<void> {
  const { log } = await openLog(await nodeLogFiles(join(data, "log")));
  const encoder = new RecordEncoder();
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const events = Array.from({ length: FRAME_EVENTS }, (_, at) => eventAt(frame * FRAME_EVENTS + at));
    await log.append({ groups: [encoder.encode(events)], receivedAtMs: 1_000_000 + frame });
  }
  await log.close();
}

function eventAt(index: number): RecordedEvent {
  const scattered = (index * 7919) % 1009;
  const lateMs = scattered % 50 === 0 ? scattered * 60_000 : 0;
  return {
    siteId: `site-${index % 7}`,
    eventType: "page_view",
    path: `/${scattered % 100}`,
    userId: `user-${(index * 31) % 4001}`,
    timestamp: new Date(START_MS + index * 5000 - lateMs).toISOString().replace(".000Z", "Z"),
    id: { case: "clientEventId", value: `id-${index - (index % 500 === 499 ? 350 : 0)}` },
    receivedAtMs: BigInt(1_000_000 + Math.floor(index / FRAME_EVENTS)),
  };
}

/** How far the latest generation is folded. */
function position(data: string): number {
  const generation = listGenerations(data).at(-1);
  if (generation === undefined) return 0;
  const database = new Database(generationPath(data, generation), { readonly: true });
  try {
    return database.prepare<[], number>("SELECT position FROM projection").pluck().get() ?? 0;
  } catch {
    // It was killed before it had tables.
    return 0;
  } finally {
    database.close();
  }
}
