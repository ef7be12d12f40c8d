import fc from "fast-check";
import { expect, test } from "vitest";
import { placeOf } from "../../src/enrich/place-record.ts";

test.each([
  [
    "GeoLite2-City",
    { country: { iso_code: "DE" }, subdivisions: [{ iso_code: "BE" }, { iso_code: "X" }] },
    "DE",
    "DE-BE",
  ],
  ["GeoLite2-Country", { continent: { code: "EU" }, country: { iso_code: "DE" } }, "DE", ""],
  ["DB-IP", { country: { iso_code: "DE" }, subdivisions: [{ names: { en: "Berlin" } }] }, "DE", ""],
  ["IPinfo Lite", { country: "Germany", country_code: "DE", continent: "Europe" }, "DE", ""],
  ["IPinfo", { country: "DE", region: "Berlin", region_code: "BE" }, "DE", "DE-BE"],
  ["a layout with whole codes", { country_code: "de", region_code: "DE-BE" }, "DE", "DE-BE"],
])("a record of %s is read", (_, record, country, region) => {
  expect(placeOf(record)).toEqual({ country, region });
});

test.each([
  null,
  undefined,
  "DE",
  {},
  { country: "Germany" },
  { country: { iso_code: 276 } },
  { country_code: "D\n" },
  { subdivisions: [{ iso_code: "BE" }] },
])("the record %j tells no place", (record) => {
  expect(placeOf(record)).toEqual({ country: "", region: "" });
});

test("whatever a record is, the place has codes or is empty", () => {
  const key = fc.constantFrom("country", "iso_code", "country_code", "subdivisions", "region_code");
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 5 }),
    fc.constantFrom("DE", "de", "BE", "DE-BE"),
  );
  const { record } = fc.letrec((tie) => ({
    record: fc.oneof(
      { depthSize: "small" },
      text,
      fc.anything(),
      fc.dictionary(key, tie("record")),
      fc.array(tie("record"), { maxLength: 2 }),
    ),
  }));
  fc.assert(
    fc.property(record, (value) => {
      const { country, region } = placeOf(value);
      expect(country).toMatch(/^(?:[A-Z]{2})?$/);
      if (region !== "") expect(region).toMatch(new RegExp(`^${country}-[A-Z0-9]{1,3}$`));
    }),
    { numRuns: 1_000 },
  );
});
