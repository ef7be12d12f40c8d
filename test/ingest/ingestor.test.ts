import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import fc from "fast-check";
import { parse, version } from "uuid";
import { expect, test } from "vitest";
import { BotReason, LogRecordSchema, type RecordedEvent } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { Ingestor } from "../../src/ingest/ingestor.ts";
import { UNKNOWN_ORIGIN } from "../../src/ingest/origin.ts";
import type { EventInput } from "../../src/ingest/validate.ts";
import { LogError } from "../../src/log/errors.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { eventIdOf } from "../../src/log/records.ts";
import { encodeEvent } from "./event-bytes.ts";
import { gathered } from "./gathered.ts";

interface FakeLog extends EventLog {
  /** What was appended, on disk or not. */
  readonly events: RecordedEvent[];
  readonly receivedAtMs: number[];
  /** When set, appends wait for it. */
  gate: Promise<void> | undefined;
}

function fakeLog(lastReceivedAtMs = 0): FakeLog {
  const log: FakeLog = {
    id: "",
    end: 0,
    lastReceivedAtMs,
    failure: new Promise(() => {}),
    events: [],
    receivedAtMs: [],
    gate: undefined,
    append: async (batch) => {
      log.receivedAtMs.push(batch.receivedAtMs);
      for (const { bytes } of batch.groups) log.events.push(...eventsOf(bytes));
      await log.gate;
    },
    close: async () => {},
  };
  return log;
}

function eventsOf(bytes: Uint8Array): RecordedEvent[] {
  const reader = new BinaryReader(bytes);
  const events: RecordedEvent[] = [];
  while (reader.pos < reader.len) {
    const { record } = fromBinary(LogRecordSchema, reader.bytes());
    if (record.case !== "event") throw new Error("the record is no event");
    events.push(record.value);
  }
  return events;
}

const NOW_MS = Date.parse("2025-11-12T12:00:00Z");
const event = (change: Partial<EventInput> = {}): EventInput => ({
  ...{ siteId: "s", eventType: "page_view", path: "/", userId: "u", eventId: "" },
  ...change,
});

function encoded({ siteId, eventType, path, userId, eventId }: EventInput): Uint8Array {
  return encodeEvent({ siteId, eventType, path, userId, eventId });
}

function openIngestor(log: EventLog, now = () => NOW_MS): Ingestor {
  const ingestor = new Ingestor(now);
  ingestor.open(log);
  return ingestor;
}

test("what is found about an event is in its record, by both ways", async () => {
  const log = fakeLog();
  const ingestor = openIngestor(log);
  const origin = { ...UNKNOWN_ORIGIN, isPrefetch: true, address: "192.0.2.1" };
  await ingestor.ingest(
    [event({ title: "T", props: { a: "b" }, revenue: { amount: 1.5, currency: "EUR" } })],
    origin,
  );
  await ingestor.ingestPlainEvent(Buffer.from(new BinaryReader(encoded(event())).bytes()), origin)?.stored;
  expect(log.events).toMatchObject([
    { title: "T", props: { a: "b" }, revenueMicros: 1_500_000n, currency: "EUR", bot: BotReason.PREFETCH },
    { title: "", bot: BotReason.PREFETCH },
  ]);
});

test("an event whose details are wrong is rejected with the reason, and the others are stored", async () => {
  const outcome = await openIngestor(fakeLog()).ingest([event({ language: "de_AT" }), event({ url: "/a" })]);
  expect(outcome.accepted).toBe(1);
  expect(outcome.rejected).toEqual([
    { index: 0, reason: "language must be a language tag of BCP 47, such as de-AT" },
  ]);
});

test("a batch whose records do not fit in a frame is refused as a whole, with what to do", async () => {
  const log = fakeLog();
  const props = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`k${at}`, "x".repeat(2000)]));
  const batch = Array.from({ length: 150 }, () => event({ props }));
  await expect(openIngestor(log).ingest(batch)).rejects.toMatchObject({
    code: "too_large",
    message: "the batch is too large with what is found about its events: split it",
  });
  expect(log.events).toEqual([]);
});

test("before there is a log, events are refused as unavailable", async () => {
  const ingestor = new Ingestor();
  await expect(ingestor.ingest([event()])).rejects.toMatchObject({
    name: "IngestError",
    code: "unavailable",
  });
  expect(ingestor.refusal).toBe("the event log is not open yet");
});

test("once there is a log, nothing is refused", () => {
  expect(openIngestor(fakeLog()).refusal).toBeUndefined();
});

test("what is stored is the event, in its canonical form, with its time of receipt", async () => {
  const log = fakeLog();
  await openIngestor(log).ingest([event({ timestamp: "2025-11-12 13:00:00.5+02:00", eventId: "e" })]);
  expect(log.events).toMatchObject([
    {
      ...{
        siteId: "s",
        eventType: "page_view",
        path: "/",
        userId: "u",
        timestamp: "2025-11-12T11:00:00.500Z",
      },
      receivedAtMs: BigInt(NOW_MS),
      id: { case: "clientEventId", value: "e" },
    },
  ]);
});

test("the sender's id is kept and marked as the client's, even if it looks like one of ours", async () => {
  const log = fakeLog();
  const eventId = "0198c0de-0000-7000-8000-0123456789ab";
  const outcome = await openIngestor(log).ingest([event({ eventId })]);
  expect(outcome).toEqual({ accepted: 1, rejected: [], firstId: eventId });
  expect(log.events[0]?.id).toEqual({ case: "clientEventId", value: eventId });
});

test("an event without an id gets a UUIDv7, marked as the server's", async () => {
  const log = fakeLog();
  const { firstId = "" } = await openIngestor(log).ingest([event()]);
  expect(version(firstId)).toBe(7);
  expect(log.events[0]?.id).toEqual({ case: "serverEventId", value: parse(firstId) });
});

test("the ids made for a batch all differ, and the first of them is told", async () => {
  const log = fakeLog();
  const { firstId } = await openIngestor(log).ingest(Array.from({ length: 1000 }, () => event()));
  const ids = log.events.map(eventIdOf);
  expect(new Set(ids).size).toBe(1000);
  expect(firstId).toBe(ids[0]);
});

test("rejected events are named by their index and do not reach the log, the others keep their order", async () => {
  const inputs = fc.array(fc.boolean(), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(inputs, async (validity) => {
      const log = fakeLog();
      const outcome = await openIngestor(log).ingest(
        validity.map((isValid, index) => event({ eventId: `e${index}`, ...(!isValid && { siteId: "" }) })),
      );
      const indexes = (wanted: boolean) => [...validity.keys()].filter((index) => validity[index] === wanted);
      expect(outcome.accepted).toBe(indexes(true).length);
      expect(outcome.rejected.map(({ index }) => index)).toEqual(indexes(false));
      expect(log.events.map(({ id }) => id.value)).toEqual(indexes(true).map((index) => `e${index}`));
    }),
  );
});

test("a batch with nothing valid in it is answered without the log", async () => {
  const log = fakeLog();
  log.gate = new Promise(() => {});
  const { rejected } = await openIngestor(log).ingest([event({ siteId: "" })]);
  expect(rejected).toEqual([{ index: 0, reason: "Missing required field: site_id" }]);
  expect(log.receivedAtMs).toEqual([]);
});

test("plain events are stored as they are, with the ingestor's time of receipt, and counted", async () => {
  const log = fakeLog(NOW_MS + 5);
  const plain = [event({ eventId: "a" }), event({ eventId: "b" })].map(encoded);
  expect(await openIngestor(log).ingestPlain(plain)).toEqual({ accepted: 2, rejected: [] });
  expect(log.events).toMatchObject(
    ["a", "b"].map((value) => ({
      ...{ siteId: "s", eventType: "page_view", path: "/", userId: "u" },
      ...{ id: { value }, receivedAtMs: BigInt(NOW_MS + 5) },
    })),
  );
});

test("when one of the events is not plain, or there is no log, ingestPlain() leaves them all", async () => {
  const log = fakeLog();
  expect(openIngestor(log).ingestPlain([event(), event({ siteId: "" })].map(encoded))).toBeUndefined();
  expect(new Ingestor().ingestPlain([encoded(event())])).toBeUndefined();
  expect(log.receivedAtMs).toEqual([]);
});

test("a plain event alone is stored, and its id told: the sender's, or the one made for it", async () => {
  const log = fakeLog();
  const ingestor = openIngestor(log);
  const alone = (given: EventInput) => Buffer.from(new BinaryReader(encoded(given)).bytes());
  const taken = [event({ eventId: "é" }), event()].map((each) => ingestor.ingestPlainEvent(alone(each)));
  await Promise.all(taken.map((each) => each?.stored));
  expect(taken[0]?.eventId).toBe("é");
  expect(log.events.map(eventIdOf)).toEqual(taken.map((each) => each?.eventId));
  expect(ingestor.ingestPlainEvent(alone(event({ siteId: "" })))).toBeUndefined();
  expect(new Ingestor().ingestPlainEvent(alone(event()))).toBeUndefined();
  expect(log.events.length).toBe(2);
});

test("when the buffer is full, plain events are refused with buffer_full", async () => {
  const ingestor = new Ingestor(() => NOW_MS, undefined, { bytes: 1, records: 1 });
  ingestor.open(fakeLog());
  await expect(ingestor.ingestPlain([encoded(event())])).rejects.toMatchObject({ code: "buffer_full" });
});

test("times of receipt follow the clock, and never go back when it does nor behind the log", async () => {
  const clock = fc.array(fc.nat({ max: 1000 }), { minLength: 1, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(clock, fc.nat({ max: 1000 }), async (times, lastReceivedAtMs) => {
      const log = fakeLog(NOW_MS + lastReceivedAtMs);
      let index = 0;
      const ingestor = openIngestor(log, () => NOW_MS + (times[index] ?? 0));
      for (; index < times.length; index += 1) await ingestor.ingest([event()]);
      const expected = times.map((_, at) => NOW_MS + Math.max(lastReceivedAtMs, ...times.slice(0, at + 1)));
      expect(log.receivedAtMs).toEqual(expected);
      expect(log.events.map(({ receivedAtMs }) => Number(receivedAtMs))).toEqual(expected);
    }),
  );
});

test("an event without a timestamp gets the time of receipt, also when the clock has stepped back", async () => {
  const log = fakeLog(NOW_MS + 1);
  await openIngestor(log).ingest([event()]);
  expect(log.events[0]).toMatchObject({
    timestamp: "2025-11-12T12:00:00.001Z",
    receivedAtMs: BigInt(NOW_MS + 1),
  });
});

test("nothing is acknowledged before the log has stored it", async () => {
  const log = fakeLog();
  const stored = Promise.withResolvers<void>();
  log.gate = stored.promise;
  const ingestor = openIngestor(log);
  let isAcknowledged = false;
  const acknowledged = ingestor.ingest([event()]).then(() => {
    isAcknowledged = true;
  });
  await gathered();
  expect({ isAcknowledged, appended: log.events.length, waiting: ingestor.waiting }).toEqual({
    ...{ isAcknowledged: false, appended: 1, waiting: 1 },
  });
  stored.resolve();
  await acknowledged;
  expect(ingestor.waiting).toBe(0);
});

test("a failure of the log is unavailable", async () => {
  const log = fakeLog();
  const failed = Promise.withResolvers<void>();
  log.gate = failed.promise;
  const acknowledged = openIngestor(log).ingest([event()]);
  await gathered();
  failed.reject(new LogError("failed", "ENOSPC"));
  await expect(acknowledged).rejects.toMatchObject({ name: "IngestError", code: "unavailable" });
});

test("after refuse() events are refused with its reason, and do not reach the log", async () => {
  const log = fakeLog();
  const ingestor = openIngestor(log);
  await ingestor.refuse("the server is stopping");
  await expect(ingestor.ingest([event()])).rejects.toMatchObject({
    code: "unavailable",
    message: "the server is stopping",
  });
  expect({ refusal: ingestor.refusal, waiting: ingestor.waiting, appended: log.events }).toEqual({
    ...{ refusal: "the server is stopping", waiting: 0, appended: [] },
  });
});

test("refuse() waits for what was taken, which is acknowledged, and refuses meanwhile", async () => {
  const log = fakeLog();
  const stored = Promise.withResolvers<void>();
  log.gate = stored.promise;
  const ingestor = openIngestor(log);
  const order: string[] = [];
  const taken = ["first", "second"].map((name) => ingestor.ingest([event()]).then(() => order.push(name)));
  const refused = ingestor.refuse("stopping").then(() => order.push("refused"));
  await expect(ingestor.ingest([event()])).rejects.toMatchObject({ code: "unavailable" });
  await gathered();
  expect(order).toEqual([]);
  stored.resolve();
  await Promise.all([...taken, refused]);
  expect(order.toSorted()).toEqual(["first", "refused", "second"]);
  expect(log.events.length).toBe(2);
});

test("a second refuse() waits as well: whoever calls it closes the log next", async () => {
  const log = fakeLog();
  const stored = Promise.withResolvers<void>();
  log.gate = stored.promise;
  const ingestor = openIngestor(log);
  const order: string[] = [];
  const taken = ingestor.ingest([event()]).then(() => order.push("stored"));
  const refused = ["failed", "stopping"].map((reason) =>
    ingestor.refuse(reason).then(() => order.push(reason)),
  );
  await gathered();
  expect(order).toEqual([]);
  stored.resolve();
  await Promise.all([taken, ...refused]);
  expect(order.toSorted()).toEqual(["failed", "stopping", "stored"]);
});

test("refuse() ends when the log has failed", async () => {
  const log = fakeLog();
  const failed = Promise.withResolvers<void>();
  log.gate = failed.promise;
  const ingestor = openIngestor(log);
  const taken = expect(ingestor.ingest([event()])).rejects.toMatchObject({ code: "unavailable" });
  const refused = ingestor.refuse("failed");
  await gathered();
  failed.reject(new LogError("failed", "EIO"));
  await Promise.all([taken, refused]);
});

test("a full buffer is buffer_full, and what was taken before is stored", async () => {
  const log = fakeLog();
  const stored = Promise.withResolvers<void>();
  log.gate = stored.promise;
  const ingestor = openIngestor(log);
  const batch = Array.from({ length: 1000 }, () => event({ path: "x".repeat(2048) }));
  const taken = Array.from({ length: 30 }, () => ingestor.ingest(batch));
  await expect(Promise.all(Array.from({ length: 10 }, () => ingestor.ingest(batch)))).rejects.toMatchObject({
    code: "buffer_full",
  });
  stored.resolve();
  await Promise.all(taken);
  await expect.poll(() => ingestor.waiting).toBe(0);
});
