import fc from "fast-check";
import { expect, test } from "vitest";
import type { Frame } from "../../src/log/frame-reader.ts";
import { decodeRecords, RecordEncoder, type RecordedEvent } from "../../src/log/records.ts";
import { DETAIL_COLUMNS } from "../../src/projector/detail-texts.ts";
import {
  EventDecoder,
  type LoggedEvent,
  type LoggedRecords,
  UnreadableFrame,
} from "../../src/projector/event-decoder.ts";
import type { EventDetails } from "../../src/projector/event-details.ts";
import {
  EVENT_TYPE,
  PATH,
  SITE_ID,
  TextReader,
  TIMESTAMP,
  USER_ID,
} from "../../src/projector/event-texts.ts";
import { Texts } from "../../src/projector/texts.ts";
import { anyEvent, frameOf } from "../log/records-fixture.ts";

interface Decoded {
  readonly event: Omit<LoggedEvent, "more">;
  readonly more: Details | undefined;
  /** Of its row. */
  readonly texts: readonly string[];
}

function decoded({ events, texts }: LoggedRecords): Decoded[] {
  const reader = new TextReader(texts);
  const places = [SITE_ID, EVENT_TYPE, PATH, USER_ID, TIMESTAMP];
  return events.map(({ more, ...event }, row) => ({
    event,
    more: more && detailsOf(more),
    texts: places.map((place) => reader.read(row, place)),
  }));
}

/** Texts by their columns, with their hashes, and what is no text. */
interface Details extends Pick<EventDetails, "revenueMicros" | "isBot" | "visitor"> {
  readonly texts: Readonly<Record<string, { text: string; hash: number }>>;
}

function detailsOf({ texts, first, end, revenueMicros, isBot, visitor }: EventDetails): Details {
  const places = [...Array(end - first).keys()].map((index) => first + index);
  const entries = places.map((place) => {
    const column = DETAIL_COLUMNS[texts.fieldAt(place)] ?? "";
    return [column, { text: texts.textAt(place), hash: texts.hashAt(place) }] as const;
  });
  return { revenueMicros, isBot, visitor, texts: Object.fromEntries(entries) };
}

function hashOf(text: string): number {
  if (text === "") return 0;
  const texts = new Texts();
  const bytes = Buffer.from(text);
  texts.read(bytes, 0, bytes.length);
  return texts.hash;
}

/** What decodeRecords, which goes by the schema, says of the same frame. */
function expected(frame: Frame): Decoded[] {
  return decodeRecords(frame).map(({ record }, index) => {
    if (record.case !== "event") throw new Error("not an event");
    const { siteId, eventType, path, userId, timestamp, id, receivedAtMs } = record.value;
    const event = {
      ...{ offset: frame.header.firstOffset + index, siteId, eventType, path, userId },
      pathHash: hashOf(path),
      timeMs: Date.parse(timestamp),
      clientEventId: id.case === "clientEventId" ? id.value : undefined,
      receivedAtMs: Number(receivedAtMs),
    };
    return {
      event,
      more: expectedDetails(record.value),
      texts: [siteId, eventType, path, userId, timestamp],
    };
  });
}

function expectedDetails(event: RecordedEvent): Details | undefined {
  const given = TEXTS.map(([column, key]) => [column, event[key] ?? ""] as const);
  const props = Object.entries(event.props ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const members = props.map((prop) => prop.map((text) => JSON.stringify(text)).join(":"));
  const texts = Object.fromEntries(
    given.flatMap(([column, text]) => (text === "" ? [] : [[column, { text, hash: hashOf(text) }]])),
  );
  const details: Details = {
    texts: { ...texts, ...(props.length > 0 && { props: { text: `{${members}}`, hash: 0 } }) },
    revenueMicros: Number(event.revenueMicros ?? 0n),
    isBot: (event.bot ?? 0) !== 0,
    visitor: Buffer.from(event.visitor ?? []).toString("latin1"),
  };
  const isBare = JSON.stringify(details) === JSON.stringify(NOTHING);
  return isBare ? undefined : details;
}

const TITLE = "title";
const NOTHING: Details = { texts: {}, revenueMicros: 0, isBot: false, visitor: "" };

const TEXTS = [
  ...(["hostname", "title", "language", "currency"] as const).map((key) => [key, key] as const),
  ...(["referrer", "source", "channel"] as const).map((key) => [key, key] as const),
  ...(["browser", "os", "device", "country", "region"] as const).map((key) => [key, key] as const),
  ...([
    ["utm_source", "utmSource"],
    ["utm_medium", "utmMedium"],
    ["utm_campaign", "utmCampaign"],
  ] as const),
  ...([
    ["utm_term", "utmTerm"],
    ["utm_content", "utmContent"],
  ] as const),
];

test("frame after frame, it reads what decodeRecords does", () => {
  const encoder = new RecordEncoder();
  // One for all runs: texts of earlier frames must not be taken for others.
  const decoder = new EventDecoder();
  fc.assert(
    fc.property(fc.array(fc.array(anyEvent, { minLength: 1, maxLength: 5 }), { maxLength: 3 }), (batches) => {
      const frames = batches.map((events, index) => frameOf(encoder.encode(events), 7 * index));
      const parts = [...decoder.parts(frames)];
      expect(parts.flatMap(decoded)).toEqual(frames.flatMap(expected));
      expect(parts.flatMap(({ settings }) => settings)).toEqual([]);
    }),
  );
});

test("parts have the same size, whatever that of the frames, and no record is missing or comes twice", () => {
  const encoder = new RecordEncoder();
  const counts = [1, 10_000, 1, 5998, 8000, 3];
  const ends = counts.map((_, index) => counts.slice(0, index + 1).reduce((sum, count) => sum + count));
  const offsets = [...Array(ends.at(-1)).keys()];
  const pathOf = (offset: number) => `/${offset}`.repeat(1 + (offset % 3));
  const frames = counts.map((count, index) => {
    const first = (ends[index] ?? 0) - count;
    const events = offsets
      .slice(first, first + count)
      .map((offset) => ({ ...anEvent, path: pathOf(offset), title: `title ${offset}` }));
    return frameOf(encoder.encode(events), first);
  });
  const parts = [...new EventDecoder().parts(frames)].map(decoded);
  expect(parts.map(({ length }) => length)).toEqual([8000, 8000, 8000, 3]);
  expect(parts.flat().map(({ more }) => more?.texts[TITLE]?.text)).toEqual(
    offsets.map((offset) => `title ${offset}`),
  );
  expect(parts.flat().map(({ event }) => event.offset)).toEqual(offsets);
  expect(parts.flat().map(({ texts }) => texts)).toEqual(
    offsets.map((offset) => ["s", "e", pathOf(offset), "u", "t"]),
  );
});

test("texts of details do not become more from frame to frame", () => {
  const encoder = new RecordEncoder();
  const decoder = new EventDecoder();
  const firsts = [0, 2].map((offset) => {
    const frame = frameOf(encoder.encode([anEvent, { ...anEvent, hostname: "h", title: "t" }]), offset);
    return [...decoder.parts([frame])].flatMap(({ events }) => events.map(({ more }) => more?.first));
  });
  expect(firsts).toEqual([
    [undefined, 0],
    [undefined, 0],
  ]);
});

test("settings are in a part behind the events before them, and never with events that come after", () => {
  const encoder = new RecordEncoder();
  const setting = Buffer.from([0x06, 0x12, 0x04, 0x0a, 0x02, 0x73, 0x31]);
  const event = encoder.encode([anEvent]).bytes;
  const frames = [
    frameOf({ bytes: Buffer.concat([event, setting, setting]), count: 3 }, 0),
    frameOf({ bytes: Buffer.concat([setting, event, event, setting, event]), count: 5 }, 3),
  ];
  const parts = [...new EventDecoder().parts(frames)];
  const offsets = parts.map(({ events }) => events.map(({ offset }) => offset));
  expect(offsets).toEqual([[0], [4, 5], [7]]);
  expect(parts.flatMap(decoded).map(({ texts }) => texts)).toEqual(Array(4).fill(["s", "e", "p", "u", "t"]));
  expect(parts.map(({ settings }) => settings.length)).toEqual([3, 1, 0]);
});

test("an event behind a setting has its own details, and those before it keep theirs", () => {
  const encoder = new RecordEncoder();
  const setting = Buffer.from([0x06, 0x12, 0x04, 0x0a, 0x02, 0x73, 0x31]);
  const titled = (title: string) => encoder.encode([{ ...anEvent, title }]).bytes;
  const records = [titled("a"), titled("b"), setting, titled("c"), titled("d"), titled("e")];
  const parts = [...new EventDecoder().parts([frameOf({ bytes: Buffer.concat(records), count: 6 }, 0)])];
  const titles = parts.flatMap(decoded).map(({ more }) => more?.texts[TITLE]?.text);
  expect(titles).toEqual(["a", "b", "c", "d", "e"]);
});

test("it reads what a later version wrote, but for the fields that it added", () => {
  const withField = Buffer.from([0x0a, 0x06, 0x0a, 0x01, 0x73, 0xb8, 0x3e, 0x05, 0xb8, 0x3e, 0x07]);
  const frame = frameOf({ bytes: Buffer.concat([Buffer.from([11]), withField]), count: 1 }, 7);
  expect([...new EventDecoder().parts([frame])]).toMatchObject([
    { events: [{ offset: 7, siteId: "s", path: "" }] },
  ]);
});

test("a kind of record that it does not know is refused, and where it is", () => {
  const { bytes } = new RecordEncoder().encode([anEvent]);
  const otherKind = Buffer.from([5, 0xc2, 0x3e, 0x02, 0x61, 0x62]);
  const frame = frameOf({ bytes: Buffer.concat([bytes, otherKind]), count: 2 }, 7);
  expect(() => [...new EventDecoder().parts([frame])]).toThrow("the record at offset 8 is of a kind");
});

test("a frame that is not exactly its records is refused", () => {
  const { bytes } = new RecordEncoder().encode([anEvent]);
  const decode = (bytes: Uint8Array, count: number) => [
    ...new EventDecoder().parts([frameOf({ bytes, count }, 7)]),
  ];
  expect(() => decode(bytes, 2)).toThrow("the frame at offset 7: it promises 2 records and has 1");
  expect(() => decode(bytes.subarray(0, -1), 1)).toThrow(UnreadableFrame);
  const longer = Buffer.from(bytes);
  // The length of the first text, behind the lengths of record and event and its tag.
  longer[4] = 100;
  expect(() => decode(longer, 1)).toThrow(UnreadableFrame);
});

const anEvent: RecordedEvent = {
  ...{ siteId: "s", eventType: "e", path: "p", userId: "u", timestamp: "t", receivedAtMs: 1n },
  id: { case: "clientEventId", value: "i" },
};
