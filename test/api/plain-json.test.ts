// An event in JSON becomes the message that the parsers make of it, or is left to them.

import { create, fromBinary, fromJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { PROTO_JSON_NAMES, REST_NAMES } from "../../src/api/event-bodies.ts";
import { plainMessageOf } from "../../src/api/plain-json.ts";
import { parseEventJson } from "../../src/api/rest-event.ts";
import { Enricher } from "../../src/ingest/enricher.ts";
import { EventIds } from "../../src/ingest/event-id.ts";
import { UNKNOWN_ORIGIN } from "../../src/ingest/origin.ts";
import { PlainEvents } from "../../src/ingest/plain-events.ts";

function decoded(json: string, names = PROTO_JSON_NAMES) {
  const message = plainMessageOf(Buffer.from(json), names);
  return message && fromBinary(IngestEventRequestSchema, message);
}

test("fields in any order, with space around them, empty ones and long ones, become a message in order", () => {
  const path = `/é€😀${"p".repeat(16_383 - 10)}`;
  const json = ` {\n"path" :\t"${path}",\r"site_id":"s" , "user_id":"", "event_type":"e"} \n`;
  for (const names of [REST_NAMES, PROTO_JSON_NAMES]) {
    const message = plainMessageOf(Buffer.from(json), names);
    expect(message?.subarray(0, 7).toString()).toBe("\n\x01s\x12\x01e\x1a");
    expect(decoded(json, names)).toEqual(
      create(IngestEventRequestSchema, { siteId: "s", eventType: "e", path }),
    );
  }
});

test("each field has its names", () => {
  const fields = ["site_id", "event_type", "path", "user_id", "timestamp", "event_id"];
  for (const [index, name] of fields.entries()) {
    const camel = name.replace(/_(.)/, (_, letter: string) => letter.toUpperCase());
    const expected = Buffer.from([((index + 1) << 3) | 2, 1, 0x78]);
    for (const each of [name, camel]) {
      expect(plainMessageOf(Buffer.from(`{"${each}":"x"}`), PROTO_JSON_NAMES)).toEqual(expected);
    }
    expect(plainMessageOf(Buffer.from(`{"${name}":"x"}`), REST_NAMES)).toEqual(expected);
    if (camel !== name) expect(plainMessageOf(Buffer.from(`{"${camel}":"x"}`), REST_NAMES)).toBeUndefined();
  }
});

test.each([
  ["nothing", ""],
  ["space", " "],
  ["an empty object", "{}"],
  ["a closing brace alone", "}"],
  ["a list", '["path"]'],
  ["a text", '"path"'],
  ["a field twice", '{"path":"a","path":"b"}'],
  ["a field twice, at first empty", '{"path":"","path":"b"}'],
  ["a field by both of its names", '{"site_id":"a","siteId":"a"}'],
  ["another field", '{"path":"a","url":"b"}'],
  ["a name with more in front", '{"xpath":"a"}'],
  ["a name in capitals", '{"PATH":"a"}'],
  ["no name", '{"":"a"}'],
  ["a number", '{"path":1}'],
  ["null", '{"path":null}'],
  ["an object", '{"path":{}}'],
  ["an escape in a text", '{"path":"a\\u0041"}'],
  ["an escape in a name", '{"pat\\u0068":"a"}'],
  ["an escaped quote", '{"path":"\\"}'],
  ["a line feed in a text", '{"path":"a\nb"}'],
  ["a NUL in a text", '{"path":"a\0b"}'],
  ["a comma at the end", '{"path":"a",}'],
  ["a comma at the beginning", '{,"path":"a"}'],
  ["no comma", '{"path":"a" "site_id":"s"}'],
  ["no colon", '{"path" "a"}'],
  ["an equals sign", '{"path"="a"}'],
  ["no end", '{"path":"a"'],
  ["a text without its end", '{"path":"a}'],
  ["another end", '{"path":"a"]'],
  ["more behind it", '{"path":"a"}}'],
  ["two objects", '{"path":"a"}{"path":"a"}'],
  ["a byte order mark", '\ufeff{"path":"a"}'],
  ["another space", '{\u00a0"path":"a"}'],
  ["a text that is too long", `{"path":"${"a".repeat(16_384)}"}`],
])("%s is left to the parsers", (_, json) => {
  for (const names of [REST_NAMES, PROTO_JSON_NAMES]) {
    expect(plainMessageOf(Buffer.from(json), names)).toBeUndefined();
  }
});

test("texts that are not UTF-8, or may not be in an event, are found out behind it", () => {
  const events = new PlainEvents(new EventIds(), new Enricher());
  const recordOf = (path: string) => {
    const json = Buffer.from(`{"site_id":"s","event_type":"e","path":"${path}"}`, "latin1");
    const message = plainMessageOf(json, REST_NAMES);
    return message && events.record(message, Date.now(), UNKNOWN_ORIGIN);
  };
  expect(recordOf("/a\xc3\xa9")).toBeDefined();
  for (const path of ["\xff", "\xc3", "\x7f", "\xc2\x80"]) expect(recordOf(path)).toBeUndefined();
});

test("whatever becomes a message, the parsers read in the same way", () => {
  const text = fc.string({ unit: "binary", maxLength: 5 }).map((value) => JSON.stringify(value));
  const name = fc.constantFrom(
    ..."site_id siteId event_type path userId user_id timestamp event_id url".split(" "),
  );
  const token = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(name, text).map(([key, value]) => `"${key}":${value}`) },
    { weight: 3, arbitrary: fc.constant(",") },
    { weight: 1, arbitrary: fc.constantFrom(...'{ } [ ] : " \\ a 1 null \n \t \0 é'.split(" "), " ") },
  );
  const members = fc
    .array(fc.tuple(name, text), { maxLength: 6 })
    .map((list) => `{${list.map(([key, value]) => `"${key}": ${value}`).join(" ,")}}`);
  const jsons = fc.oneof(
    members,
    fc.array(token, { maxLength: 12 }).map((tokens) => `{${tokens.join("")}}`),
  );
  let plainOnes = 0;
  fc.assert(
    fc.property(jsons, (json) => {
      const proto = decoded(json);
      if (proto) {
        plainOnes += 1;
        // An empty timestamp counts as none.
        const parsed = fromJsonString(IngestEventRequestSchema, json);
        expect({ timestamp: "", ...proto }).toEqual({ timestamp: "", ...parsed });
      }
      const rest = decoded(json, REST_NAMES);
      if (rest) {
        const { siteId, eventType, path, userId, timestamp = "", eventId } = rest;
        const parsed = parseEventJson(Buffer.from(json));
        expect(parsed).toEqual({ siteId, eventType, path, userId, timestamp, eventId });
      }
    }),
    { numRuns: 20_000 },
  );
  expect(plainOnes).toBeGreaterThan(1000);
});
