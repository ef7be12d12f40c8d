// The events in the bodies of plain requests, as pure functions: in JSON and in protobuf's binary format. What is not
// plainly an event is not judged here: `undefined` leaves it to the full handlers.

import { isUtf8 } from "node:buffer";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import type { EventInput } from "../ingest/validate.ts";
import { BACKSLASH, fieldNames, QUOTE } from "./plain-json.ts";

type TextField = Exclude<keyof EventInput, "screenWidth" | "props" | "revenue">;

const PLAIN_FIELDS = ["siteId", "eventType", "path", "userId", "timestamp", "eventId"] as const;
/** By their numbers in IngestEventRequest, from 1. */
const FIELD_NUMBERS: readonly (TextField | undefined)[] = [
  ...PLAIN_FIELDS,
  ...(["url", "referrer", "title", "hostname", "language"] as const),
  ...[undefined, undefined, undefined],
  ...(["userAgent", "clientAddress"] as const),
];

/** The names of a field in ProtoJSON: the one in the schema, and that in camel case. */
function namesOf(field: TextField): ReadonlySet<string> {
  return new Set([field.replace(/[A-Z]/, (letter) => `_${letter.toLowerCase()}`), field]);
}

export const PROTO_JSON_NAMES = fieldNames(PLAIN_FIELDS.map((field) => [...namesOf(field)]));
/** REST knows them by the first one alone. */
export const REST_NAMES = fieldNames(PLAIN_FIELDS.map((field) => [...namesOf(field)].slice(0, 1)));

/** ProtoJSON with nothing but texts in it: fields by either of their names, no name twice, unknown ones ignored. */
export function eventOfJson(body: Buffer): EventInput | undefined {
  if (!isUtf8(body)) return undefined;
  const text = body.toString();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
  const event = emptyEvent();
  let named = 0;
  const members = Object.entries(json);
  let shortest = 1;
  for (const [name, value] of members) {
    if (typeof value !== "string") return undefined;
    shortest += name.length + value.length + MEMBER_LENGTH;
    const field = FIELDS.get(name);
    if (field === undefined) {
      // Fields of other types, which have their own ways to be a text; an extension, or a message in an Any.
      if (OTHER_FIELDS.has(name) || name.startsWith("[") || name.startsWith("@")) return undefined;
      continue;
    }
    if ((named & field.bit) !== 0) return undefined;
    named |= field.bit;
    event[field.name] = value;
  }
  // The parser takes a name twice, and ProtoJSON does not: then there are more texts than members have. Not, when the
  // whole is as short as its members can be written.
  if (text.length !== shortest && countTexts(body) !== 2 * members.length) return undefined;
  return event;
}

/** How many texts there are in valid JSON, names included. */
function countTexts(json: Buffer): number {
  let quotes = 0;
  for (let at = 0; at < json.length; at += 1) {
    if (json[at] === QUOTE) quotes += 1;
    else if (json[at] === BACKSLASH) at += 1;
  }
  return quotes / 2;
}

/** What is around a name and a text that need no escapes: four quotes, a colon, and a comma or the brace at the end. */
const MEMBER_LENGTH = 6;

type TextEvent = Record<(typeof PLAIN_FIELDS)[number], string> & {
  [field in TextField]?: string;
};

function emptyEvent(): TextEvent {
  return { siteId: "", eventType: "", path: "", userId: "", timestamp: "", eventId: "" };
}

const OTHER_FIELDS: ReadonlySet<string> = new Set(["screenWidth", "screen_width", "props", "revenue"]);
/** By both of their names in JSON. */
const FIELDS: ReadonlyMap<string, { readonly name: TextField; readonly bit: number }> = new Map(
  FIELD_NUMBERS.flatMap((name, index) => {
    if (name === undefined) return [];
    const field = { name, bit: 1 << index };
    return [...namesOf(name)].map((each) => [each, field] as const);
  }),
);

/** The event of an IngestEventRequest. */
export function eventOfProto(message: Buffer): EventInput | undefined {
  const event = emptyEvent();
  const reader = new BinaryReader(message);
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const field = FIELD_NUMBERS[(tag >>> 3) - 1];
      if (field === undefined || (tag & 7) !== WireType.LengthDelimited) return undefined;
      event[field] = reader.string(true);
    }
  } catch {
    return undefined;
  }
  return reader.pos === reader.len ? event : undefined;
}
