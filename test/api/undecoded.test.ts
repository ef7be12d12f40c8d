// Batches in the binary format, held to what connect-node makes of them when it decodes them by the schema.

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { type ConnectRouter, createConnectRouter } from "@connectrpc/connect";
import { createAsyncIterable, encodeEnvelope, readAllBytes } from "@connectrpc/connect/protocol";
import fc from "fast-check";
import { expect, test } from "vitest";
import { AnalyticsService, IngestEventsRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { LogRecordSchema, type RecordedEvent } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { registerAnalyticsService } from "../../src/api/analytics-service.ts";
import { ingestStream } from "../../src/api/ingest-stream.ts";
import { joinByCodec } from "../../src/api/undecoded.ts";
import type { Ingest } from "../../src/ingest/ingest.ts";
import { Ingestor } from "../../src/ingest/ingestor.ts";
import type { EventLog } from "../../src/log/event-log.ts";
import { fakes } from "./fakes.ts";

const { ingestEvents, ingestEventStream } = AnalyticsService.method;
type Batch = MessageInitShape<typeof IngestEventsRequestSchema>;

const noDrain = new AbortController().signal;
const NOW_MS = Date.parse("2025-11-12T12:00:00Z");

interface Service {
  readonly stored: RecordedEvent[];
  readonly call: (
    method: string,
    type: string,
    body: Uint8Array,
  ) => Promise<{ status: number; body: string }>;
}

/** The service with its ingestion, of whose stored events the ids that the server made are left out. */
function service(register: (router: ConnectRouter, ingest: Ingest) => void): Service {
  const stored: RecordedEvent[] = [];
  const log: EventLog = {
    ...{ id: "", end: 0, lastReceivedAtMs: 0, failure: new Promise(() => {}) },
    append: async ({ groups }) => {
      for (const { bytes } of groups) {
        const reader = new BinaryReader(bytes);
        while (reader.pos < reader.len) {
          const { record } = fromBinary(LogRecordSchema, reader.bytes());
          if (record.case !== "event") throw new Error("a record of no event");
          const event = record.value;
          if (event.id.case === "serverEventId") event.id.value = new Uint8Array();
          stored.push(event);
        }
      }
    },
    close: async () => {},
  };
  const ingestor = new Ingestor(() => NOW_MS);
  ingestor.open(log);
  const router = createConnectRouter();
  register(router, ingestor);
  return {
    stored,
    call: async (method, type, body) => {
      const path = `/${AnalyticsService.typeName}/${method}`;
      const handler = router.handlers.find(({ requestPath }) => requestPath === path);
      if (!handler) throw new Error(`no route for ${path}`);
      const response = await handler({
        ...{ httpVersion: "2", method: "POST", url: `http://localhost${path}` },
        header: new Headers({ "Content-Type": type }),
        body: createAsyncIterable([body]),
        signal: noDrain,
      });
      const bytes = response.body ? await readAllBytes(response.body, 1e6) : new Uint8Array();
      const trailer = [...(response.trailer ?? [])].map(([name, value]) => `${name}: ${value}`).join();
      return { status: response.status, body: Buffer.from(bytes).toString("latin1") + trailer };
    },
  };
}

/** The batches as connect-node decodes them. */
function registerBySchema(router: ConnectRouter, ingest: Ingest): void {
  router.rpc(ingestEvents, async ({ events }) => {
    const { accepted, rejected } = await ingest.ingest(events);
    const listed = rejected.map(({ index, reason }) => ({ index: BigInt(index), reason }));
    return { acceptedCount: BigInt(accepted), rejected: listed };
  });
  router.rpc(ingestEventStream, (requests) =>
    ingestStream(requests, ({ events }) => ingest.ingest(events), noDrain),
  );
}

/** Whether the fields of a message can be told apart, whatever is in them. */
function isFramed(message: Uint8Array): boolean {
  try {
    fromBinary(EmptySchema, message);
    return true;
  } catch {
    return false;
  }
}

const WAYS = [
  [ingestEvents.name, "application/proto", (message: Uint8Array) => message],
  [ingestEvents.name, "application/grpc", (message: Uint8Array) => encodeEnvelope(0, message)],
  [ingestEvents.name, "application/grpc-web+proto", (message: Uint8Array) => encodeEnvelope(0, message)],
  [ingestEventStream.name, "application/connect+proto", (message: Uint8Array) => encodeEnvelope(0, message)],
  [ingestEventStream.name, "application/grpc+proto", (message: Uint8Array) => encodeEnvelope(0, message)],
] as const;

const binary = (batch: Batch) =>
  toBinary(IngestEventsRequestSchema, create(IngestEventsRequestSchema, batch));
const text = fc.oneof(fc.string({ maxLength: 6 }), fc.string({ unit: "grapheme", maxLength: 6 }));
const mostlyText = fc.oneof({ weight: 9, arbitrary: fc.constant("s") }, { weight: 1, arbitrary: text });
const rarelyText = fc.oneof({ weight: 19, arbitrary: fc.constant("") }, { weight: 1, arbitrary: text });
const anyEvent = fc.record(
  {
    ...{ siteId: mostlyText, eventType: mostlyText, path: text, userId: text },
    timestamp: fc.oneof(
      { weight: 9, arbitrary: fc.constantFrom("2025-11-12T11:00:00Z", "2025-11-12 13:00:00.5+02:00") },
      { weight: 1, arbitrary: fc.constantFrom("", "today") },
    ),
    eventId: text,
    ...{ title: rarelyText, userAgent: rarelyText, url: rarelyText },
  },
  { requiredKeys: ["siteId", "eventType"] },
);

test.each(WAYS)("%s as %s answers and stores what it does by the schema", async (method, type, bodyOf) => {
  let undecoded = 0;
  const short = service((router, ingest) => {
    const counting: Ingest = {
      ingest: (events, origin) => ingest.ingest(events, origin),
      ingestPlain: (events) => {
        const outcome = ingest.ingestPlain(events);
        if (outcome) undecoded += 1;
        return outcome;
      },
      ingestPlainBatch: (batch) => ingest.ingestPlainBatch(batch),
      ingestPlainEvent: (event, origin) => ingest.ingestPlainEvent(event, origin),
      record: (setting) => ingest.record(setting),
    };
    registerAnalyticsService(router, { ...fakes(), ingest: counting, drain: noDrain });
  });
  const long = service(registerBySchema);
  const change = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), isInserted: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyEvent, { maxLength: 3 }),
      fc.array(change, { maxLength: 2 }),
      async (events, changes) => {
        let bytes = [...binary({ events })];
        for (const { at, byte, isInserted } of changes) {
          bytes = bytes.toSpliced(at % (bytes.length + 1), isInserted ? 0 : 1, byte);
        }
        const message = new Uint8Array(bytes);
        short.stored.length = 0;
        long.stored.length = 0;
        const answer = await short.call(method, type, bodyOf(message));
        if (isFramed(message)) {
          expect(answer).toEqual(await long.call(method, type, bodyOf(message)));
          expect(short.stored).toEqual(long.stored);
        } else {
          expect(answer.body).toMatch(/parse( |%20)binary/);
          expect(short.stored).toEqual([]);
        }
      },
    ),
    { numRuns: 300 },
  );
  expect(undecoded).toBeGreaterThan(5);
});

test("a batch of JSON is decoded by the schema", async () => {
  const { call, stored } = service((router, ingest) =>
    registerAnalyticsService(router, { ...fakes(), ingest, drain: noDrain }),
  );
  const body = Buffer.from(JSON.stringify({ events: [{ siteId: "s", eventType: "page_view" }] }));
  for (const type of ["application/json", "Application/JSON; charset=utf-8"]) {
    expect(await call(ingestEvents.name, type, body)).toMatchObject({ body: '{"acceptedCount":"1"}' });
  }
  expect(stored).toHaveLength(2);
});

test("routes of two paths are not joined", () => {
  const router = createConnectRouter().rpc(AnalyticsService.method.getStatus, () => ({}));
  router.rpc(AnalyticsService.method.getStats, () => ({}));
  expect(() => joinByCodec(router)).toThrow("not of one path");
});
