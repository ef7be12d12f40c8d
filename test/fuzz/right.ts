// Requests that the server accepts, for the most part: events with any of their fields, questions, goals. What is changed
// of them goes further into the server than what is wrong from the beginning.

import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  type IngestEventRequest,
  IngestEventRequestSchema,
  IngestEventStreamRequestSchema,
  IngestEventsRequestSchema,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { SetGoalRequestSchema } from "../../gen/ts/analytics/v1/settings_pb.ts";
import { GOAL, question } from "../query/oracle/questions.ts";

const SITE = "fuzz";
const MAX_EVENTS = 12;

const text = fc.oneof(fc.constantFrom("a", "ä", "😀", 'it\'s "x"'), fc.stringMatching(/^[ -~]{1,40}$/));
const url = fc.oneof(fc.webUrl({ withQueryParameters: true }), fc.constantFrom("/a?utm_source=b", "//", "?"));
const propKey = fc.oneof(fc.constantFrom("plan", "a\"b'); --\n", "__proto__", "a.b"), text);

const event: fc.Arbitrary<IngestEventRequest> = fc
  .record(
    {
      siteId: fc.constant(SITE),
      eventType: fc.constantFrom("page_view", "signup"),
      path: fc.webPath(),
      userId: fc.constantFrom("ann", "bob"),
      timestamp: fc
        .date({ min: new Date("2020-01-01"), max: new Date("2025-01-01"), noInvalidDate: true })
        .map((date) => date.toISOString()),
      eventId: fc.uuid(),
      url,
      referrer: url,
      title: text,
      hostname: fc.domain(),
      language: fc.constantFrom("de", "de-AT", "zh-Hant-TW"),
      screenWidth: fc.nat(100_000),
      props: fc.dictionary(propKey, text, { maxKeys: 30 }),
      revenue: fc.record({
        amount: fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        currency: fc.constantFrom("EUR", "JPY"),
      }),
      userAgent: fc.constantFrom(
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Googlebot/2.1",
        "x".repeat(3000),
      ),
      clientAddress: fc.oneof(fc.ipV4(), fc.ipV6()),
    },
    { requiredKeys: ["siteId", "eventType"] },
  )
  .map((fields) => create(IngestEventRequestSchema, fields));
const events = fc.array(event, { maxLength: MAX_EVENTS });

/** Requests of `schema` that are right, for those that a server is mostly sent; undefined for the others. */
export function rightOf(schema: DescMessage): fc.Arbitrary<Message> | undefined {
  switch (schema.typeName) {
    case IngestEventRequestSchema.typeName:
      return event;
    case IngestEventsRequestSchema.typeName:
      return events.map((events) => create(IngestEventsRequestSchema, { events }));
    case IngestEventStreamRequestSchema.typeName:
      return events.map((events) => create(IngestEventStreamRequestSchema, { events }));
    case QueryStatsRequestSchema.typeName:
      return questions.map(({ request }) => ({ ...request, siteId: SITE }));
    case SetGoalRequestSchema.typeName:
      return questions.map(({ goal }) =>
        create(SetGoalRequestSchema, { siteId: SITE, name: GOAL, filter: goal }),
      );
    default:
      return undefined;
  }
}

/** Of a time in the middle of the events'. */
const questions = question(Date.parse("2023-01-01T00:00:00Z"), "Europe/Berlin");
