// Messages of any schema, as the JSON that protobuf makes of them: valid in their types, whatever they say.

import {
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import fc from "fast-check";

/** Texts that mean something somewhere, and texts that mean nothing. */
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom("fuzz", "page_view", "/path", "user", "", "*") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("2025-11-12T19:30:01Z", "2025-11-12", "2025-02-30", "9999-12-31T23:59:59Z"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("analytics.v1.AnalyticsService", "analytics/v1/analytics.proto", "__proto__"),
  },
  { weight: 3, arbitrary: fc.constantFrom("browser", "props.plan", "entry_page", "time:hour", "visits") },
  { weight: 2, arbitrary: fc.constantFrom("matches", "is", "contains", "(a+)+$", "(", "x{1,999}") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("7d", "today", "Europe/Berlin", "EUR", "192.0.2.1", "::1", "de-AT"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("https://a.example/b?utm_source=c", "http://", "//x", "Googlebot/2.1"),
  },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ minLength: 100, maxLength: 3000 }) },
);

/** How many entries a repeated field gets. */
const MAX_ENTRIES = 12;
/** How deep messages nest. */
const MAX_DEPTH = 3;

/** Messages of `schema`. */
export function messageOf<Schema extends DescMessage>(schema: Schema): fc.Arbitrary<MessageShape<Schema>> {
  return jsonOf(schema, 0).map((json) => fromJson(schema, json));
}

function jsonOf(schema: DescMessage, depth: number): fc.Arbitrary<JsonValue> {
  const fields = Object.fromEntries(schema.fields.map((field) => [field.jsonName, field]));
  // Of a oneof only one may be set: the others are taken out again.
  const groups = schema.oneofs.map((oneof) => oneof.fields.map((field) => field.jsonName));
  const model = Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, arbitraryOf(field, depth)]),
  );
  return fc.tuple(fc.record(model, { requiredKeys: [] }), fc.nat()).map(([json, choice]) => {
    const kept: Record<string, JsonValue> = {};
    for (const [name, value] of Object.entries(json)) {
      const group = groups.find((names) => names.includes(name));
      const isChosen = !group || group[choice % group.length] === name;
      if (isChosen && value !== undefined) kept[name] = value;
    }
    return kept;
  });
}

function arbitraryOf(field: DescField, depth: number): fc.Arbitrary<JsonValue> {
  switch (field.fieldKind) {
    case "scalar":
      return scalarOf(field.scalar);
    case "enum":
      return fc.integer({ min: -1, max: 5 });
    case "message":
      return depth < MAX_DEPTH ? jsonOf(field.message, depth + 1) : fc.constant({});
    case "list": {
      const { message } = field;
      const entry = message ? jsonOf(message, depth + 1) : fc.constant("entry");
      return depth < MAX_DEPTH ? fc.array(entry, { maxLength: MAX_ENTRIES }) : fc.constant([]);
    }
    case "map":
      return fc.dictionary(text, text, { maxKeys: MAX_ENTRIES });
  }
}

function scalarOf(scalar: ScalarType): fc.Arbitrary<JsonValue> {
  switch (scalar) {
    case ScalarType.STRING:
      return text;
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.base64String({ maxLength: 40 });
    case ScalarType.INT64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
    case ScalarType.INT32:
      return fc.oneof(fc.integer({ min: -1, max: 1001 }), fc.integer());
    case ScalarType.DOUBLE:
      return fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom("NaN", "Infinity", 9.99),
      );
    default:
      return fc.nat();
  }
}
