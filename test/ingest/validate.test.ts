import fc from "fast-check";
import { expect, test } from "vitest";
import { textProblem } from "../../src/ingest/text.ts";
import { type EventInput, validateEvent } from "../../src/ingest/validate.ts";

const NOW_MS = Date.parse("2025-11-12T12:00:00.250Z");
const MINIMAL: EventInput = { siteId: "s", eventType: "page_view", path: "", userId: "", eventId: "" };
const FIELDS = [
  ["siteId", "site_id", 128],
  ["eventType", "event_type", 64],
  ["path", "path", 2048],
  ["userId", "user_id", 256],
  ["eventId", "event_id", 128],
] as const;
/** Characters of 1 to 4 bytes. */
const CHARACTERS = ["x", "é", "€", "😀"];

const CASES = FIELDS.flatMap(([key, name, limit]) =>
  CHARACTERS.map((character) => ({ key, name, limit, character })),
);

/** A text of exactly `bytes` bytes, of as many `character` as fit. */
function textOf(character: string, bytes: number): string {
  const size = Buffer.byteLength(character);
  return character.repeat(Math.floor(bytes / size)) + "x".repeat(bytes % size);
}

const validate = (change: Partial<EventInput>) => validateEvent({ ...MINIMAL, ...change }, NOW_MS);
const reasonOf = (change: Partial<EventInput>) => {
  const result = validate(change);
  return result.ok ? undefined : result.reason;
};

test.each(CASES)("$name may have $limit bytes of $character", ({ key, limit, character }) => {
  const text = textOf(character, limit);
  expect(validate({ [key]: text })).toMatchObject({ ok: true, event: { [key]: text } });
});

test.each(CASES)("$name may not have one byte more of $character", ({ key, name, limit, character }) => {
  const reason = `${name} is ${limit + 1} bytes long; at most ${limit} are allowed`;
  expect(validate({ [key]: textOf(character, limit + 1) })).toEqual({ ok: false, reason });
});

test("the length is counted in bytes of UTF-8, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 40 }), fc.nat({ max: 80 }), (text, limit) => {
      const isLong = new TextEncoder().encode(text).byteLength > limit;
      expect(textProblem("path", text, limit)?.includes("bytes long") ?? false).toBe(isLong);
    }),
  );
});

test("a control character is refused, and only that, of the first 256 characters", () => {
  for (let code = 0; code < 256; code += 1) {
    const isControl = code < 0x20 || (code >= 0x7f && code < 0xa0);
    const problem = textProblem("path", `/a${String.fromCharCode(code)}b`, 2048);
    expect(problem, `U+${code.toString(16)}`).toBe(
      isControl ? "path must not contain control characters" : undefined,
    );
  }
});

test.each(FIELDS)("a control character in %s is refused", (key, name) => {
  expect(reasonOf({ [key]: "a\u0085b" })).toBe(`${name} must not contain control characters`);
});

test.each(["\ud800", "\udfff", "a\udc00\ud800b", "\ud83d", "😀\ude00"])(
  "the lone surrogate in %j is refused",
  (text) => {
    expect(reasonOf({ path: text })).toBe("path must not contain lone surrogates");
  },
);

test.each(["😀", "\u2028", "\u200b", "\ufeff", "\ufffd", "\uffff", "e\u0301"])(
  "%j is kept as it is",
  (text) => {
    expect(validate({ path: text })).toMatchObject({ ok: true, event: { path: text } });
  },
);

test("what is required is asked for first, the site before the type", () => {
  expect(reasonOf({ siteId: "", eventType: "" })).toBe("Missing required field: site_id");
  expect(reasonOf({ eventType: "", path: "\0", timestamp: "x" })).toBe("Missing required field: event_type");
});

test("the other fields may be empty", () => {
  expect(validate({})).toMatchObject({ ok: true, event: { path: "", userId: "", eventId: "" } });
});

test.each([undefined, ""])("with the timestamp %j the time of receipt is taken", (timestamp) => {
  expect(validate({ timestamp })).toMatchObject({
    ok: true,
    event: { timestamp: "2025-11-12T12:00:00.250Z" },
  });
});

test("a timestamp is stored in its canonical form", () => {
  expect(validate({ timestamp: "2025-11-12 13:30:01.10+02:00" })).toMatchObject({
    ok: true,
    event: { timestamp: "2025-11-12T11:30:01.100Z" },
  });
});

test("a timestamp that is none is refused, and is not repeated in the reason", () => {
  expect(reasonOf({ timestamp: "yesterday\n" })).toMatch(/^timestamp must be a time of RFC 3339 [^\n]*$/);
});

test.each(["2025-11-13T12:00:00.250Z", "2025-11-13T14:00:00.250+02:00", "0000-01-01T00:00:00Z"])(
  "the timestamp %s is not too far in the future",
  (timestamp) => {
    expect(validate({ timestamp }).ok).toBe(true);
  },
);

test.each(["2025-11-13T12:00:00.251Z", "2025-11-13T14:00:00.251+02:00", "9999-12-31T23:59:59Z"])(
  "the timestamp %s is too far in the future",
  (timestamp) => {
    expect(reasonOf({ timestamp })).toBe("timestamp is more than 24 hours in the future");
  },
);

test("the event has its known fields only", () => {
  const input = { ...MINIMAL, $typeName: "analytics.v1.IngestEventRequest", extra: 1 };
  const result = validateEvent(input, NOW_MS);
  expect(result.ok && Object.keys(result.event).sort()).toEqual([
    "eventId",
    "eventType",
    "path",
    "siteId",
    "timestamp",
    "userId",
  ]);
});

test("any event is either within all limits or refused with a reason that names a field", () => {
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 });
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    units.map((codes) => String.fromCharCode(...codes)),
    fc
      .tuple(fc.constantFrom(...CHARACTERS), fc.nat({ max: 2100 }))
      .map(([character, bytes]) => textOf(character, bytes)),
  );
  const timestamp = fc.option(
    fc.oneof(
      text,
      fc
        .integer({ min: NOW_MS - 2 * 86_400_000, max: NOW_MS + 2 * 86_400_000 })
        .map((ms) => new Date(ms).toISOString()),
    ),
    { nil: undefined },
  );
  const input = fc.record({
    siteId: text,
    eventType: text,
    path: text,
    userId: text,
    eventId: text,
    timestamp,
  });
  fc.assert(
    fc.property(input, (event) => {
      const result = validateEvent(event, NOW_MS);
      if (!result.ok) {
        expect(result.reason).toMatch(/\b(site_id|event_type|path|user_id|event_id|timestamp)\b/);
        return;
      }
      for (const [key, name, limit] of FIELDS) {
        expect(Buffer.byteLength(result.event[key]), name).toBeLessThanOrEqual(limit);
        expect(result.event[key], name).toBe(event[key]);
        expect(Buffer.from(event[key]).toString(), name).toBe(event[key]);
        expect(event[key], name).not.toMatch(/\p{Cc}/u);
      }
      expect(event.siteId === "" || event.eventType === "").toBe(false);
      expect(Date.parse(result.event.timestamp)).toBeLessThanOrEqual(NOW_MS + 86_400_000);
    }),
    { numRuns: 1000 },
  );
});
