// Steps of the wall clock, between events and across restarts: through the real log, into the real read model.

import fc from "fast-check";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { Ingestor } from "../../src/ingest/ingestor.ts";
import { readFromStart } from "../../src/log/reader.ts";
import { decodeRecords, type RecordedEvent } from "../../src/log/records.ts";
import { openLog } from "../../src/log/writer.ts";
import { Projection } from "../../src/projector/projection.ts";
import { publishGeneration } from "../../src/readmodel/generations.ts";
import { ReadModelReader } from "../../src/readmodel/reader.ts";
import { FaultFiles } from "../log/fault-files.ts";
import { temporaryDirectory } from "../temporary.ts";

const NOW_MS = Date.parse("2025-11-12T12:00:00Z");
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WINDOW_MS = 7 * DAY_MS;

/** A server's ingestion, with a log in memory and a clock that is set by hand. */
class World {
  nowMs = NOW_MS;
  readonly files = new FaultFiles();
  #ingestor = new Ingestor();

  /** Starts the server, after a kill if it ran before. */
  async start(): Promise<void> {
    this.files.kill();
    this.#ingestor = new Ingestor(() => this.nowMs);
    const { log } = await openLog(this.files);
    this.#ingestor.open(log);
  }

  /** Sends an event, at the day `day` from now if it is to have a timestamp. Resolves to why it was rejected, if it was. */
  async send({ id = "", path = "/", day }: { id?: string; path?: string; day?: number }): Promise<string> {
    const event = { siteId: "s", eventType: "page_view", path, userId: "", eventId: id };
    const timestamp = day === undefined ? undefined : new Date(NOW_MS + day * DAY_MS).toISOString();
    const { rejected } = await this.#ingestor.ingest([{ ...event, timestamp }]);
    return rejected[0]?.reason ?? "";
  }

  /** The events in the log. */
  async stored(): Promise<RecordedEvent[]> {
    const reader = await readFromStart(this.files);
    const events: RecordedEvent[] = [];
    for (let next = await reader?.next(); next; next = await reader?.next()) {
      for (const { record } of decodeRecords(next.frame))
        if (record.case === "event") events.push(record.value);
    }
    await reader?.close();
    return events;
  }

  /** In days from now, what the clock showed when the events in the log were received, as far as the log knows. */
  async receivedAtDays(): Promise<number[]> {
    return (await this.stored()).map(({ receivedAtMs }) => (Number(receivedAtMs) - NOW_MS) / DAY_MS);
  }

  /** The views by path, of a read model made from the log. */
  async views(): Promise<ReadonlyMap<string, number>> {
    const dataDirectory = temporaryDirectory();
    const settings = { dedupeWindowMs: WINDOW_MS };
    const logger = pino({ level: "silent" });
    const projection = new Projection(1, { dataDirectory, files: this.files, settings, logger });
    publishGeneration(dataDirectory, 1);
    await projection.fold(Number.POSITIVE_INFINITY);
    await projection.close();
    const reader = new ReadModelReader(dataDirectory);
    onTestFinished(() => reader.close());
    const { topPaths } = reader.stats({ siteId: "s", date: null, limit: 1000 });
    return new Map(topPaths.map(({ path, views }) => [path, views]));
  }
}

async function startWorld(): Promise<World> {
  const world = new World();
  await world.start();
  return world;
}

test("times of receipt never go back, however the clock steps, between events, within a commit and over restarts", async () => {
  const step = fc.oneof(
    fc.integer({ min: -40, max: 40 }).map((days) => days * DAY_MS),
    fc.integer({ min: -2, max: 2 }),
  );
  // The events of one step wait for the log together, so that they are commits of several times of receipt.
  const steps = fc.array(fc.record({ restart: fc.boolean(), clock: fc.array(step, { maxLength: 4 }) }), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const world = await startWorld();
      const expected: number[] = [];
      for (const { restart, clock } of steps) {
        if (restart) await world.start();
        const sent = clock.map((ms) => {
          world.nowMs += ms;
          expected.push(Math.max(world.nowMs, expected.at(-1) ?? 0));
          return world.send({});
        });
        await Promise.all(sent);
      }
      expect((await world.stored()).map(({ receivedAtMs }) => Number(receivedAtMs))).toEqual(expected);
    }),
    { numRuns: 100 },
  );
});

test("a clock that steps back stops the times of receipt until it has caught up, also over a restart", async () => {
  const world = await startWorld();
  for (const day of [0, -30, -29, -1, 0, 1]) {
    world.nowMs = NOW_MS + day * DAY_MS;
    if (day === -29) await world.start();
    await world.send({});
  }
  expect(await world.receivedAtDays()).toEqual([0, 0, 0, 0, 0, 1]);
});

test("an id that is sent again while the clock is behind counts once", async () => {
  const world = await startWorld();
  await world.send({ id: "a", path: "/a" });
  world.nowMs -= 30 * DAY_MS;
  await world.send({ id: "a", path: "/a" });
  await world.send({ id: "b", path: "/b" });
  await world.start();
  await world.send({ id: "b", path: "/b" });
  expect(await world.views()).toEqual(
    new Map([
      ["/a", 1],
      ["/b", 1],
    ]),
  );
});

// What a month's step forward and back does: "The server's clock" in ingestor.ts.
test.for([{ restart: false }, { restart: true }])(
  "after a clock went a month ahead and back, the log's time stays ahead until the month is over (restart: $restart)",
  async ({ restart }) => {
    const world = await startWorld();
    await world.send({ day: 0 });
    world.nowMs = NOW_MS + 30 * DAY_MS;
    await world.send({ day: 0 });
    for (const day of [0, 1, 29, 31]) {
      world.nowMs = NOW_MS + day * DAY_MS;
      if (restart) await world.start();
      await world.send({ day: 0 });
    }
    expect(await world.receivedAtDays()).toEqual([0, 30, 30, 30, 30, 31]);
  },
);

test("after a clock went a month ahead and back, an id from before counts once more, and one from after it once", async () => {
  const world = await startWorld();
  await world.send({ id: "before", path: "/before" });
  world.nowMs += 30 * DAY_MS;
  await world.send({ id: "ahead", path: "/ahead" });
  world.nowMs -= 30 * DAY_MS;
  for (let hour = 0; hour < 3; hour += 1) {
    for (const id of ["before", "ahead", "after"]) await world.send({ id, path: `/${id}` });
    world.nowMs += HOUR_MS;
  }
  expect(await world.views()).toEqual(
    new Map([
      ["/before", 2],
      ["/after", 1],
      ["/ahead", 1],
    ]),
  );
});

test("while the log's time is ahead, an id is remembered until the clock has come to it, and for the window", async () => {
  const world = await startWorld();
  world.nowMs = NOW_MS + 30 * DAY_MS;
  await world.send({ path: "/" });
  world.nowMs = NOW_MS;
  const sendAt = async (atMs: number) => {
    world.nowMs = NOW_MS + atMs;
    await world.send({ id: "x", path: "/x" });
    return (await world.views()).get("/x");
  };
  expect(await sendAt(0)).toBe(1);
  expect(await sendAt(29 * DAY_MS)).toBe(1);
  expect(await sendAt(30 * DAY_MS + WINDOW_MS - 1)).toBe(1);
  expect(await sendAt(30 * DAY_MS + WINDOW_MS)).toBe(2);
});

test("while the log's time is ahead, an event's own timestamp counts, and one without gets the log's time", async () => {
  const world = await startWorld();
  world.nowMs = NOW_MS + 30 * DAY_MS;
  await world.send({});
  world.nowMs = NOW_MS;
  await world.send({ day: 0 });
  await world.send({});
  const days = (await world.stored()).map(({ timestamp }) => (Date.parse(timestamp) - NOW_MS) / DAY_MS);
  expect(days).toEqual([30, 0, 30]);
});

test("a timestamp may be a day ahead of the log's time", async () => {
  const world = await startWorld();
  const reason = "timestamp is more than 24 hours in the future";
  expect(await world.send({ day: 2 })).toBe(reason);
  world.nowMs = NOW_MS + 30 * DAY_MS;
  await world.send({});
  world.nowMs = NOW_MS;
  expect(await world.send({ day: 2 })).toBe("");
  expect(await world.send({ day: 31 })).toBe("");
  expect(await world.send({ day: 31.1 })).toBe(reason);
});
