// Country and region in a record of an MMDB file. Its fields differ by who makes the file:
//
//   GeoLite2, DB-IP   { country: { iso_code: "DE" }, subdivisions: [{ iso_code: "BE" }, …] }
//   IPinfo Lite       { country_code: "DE", country: "Germany" }
//   IPinfo            { country: "DE", region_code: "BE" }

import type { PlaceFields } from "./enrichment.ts";

export const NOWHERE: PlaceFields = { country: "", region: "" };

const COUNTRY_CODE = /^[A-Z]{2}$/;
/** The part of a code of ISO 3166-2 that is behind the country. */
const SUBDIVISION_CODE = /^[A-Z0-9]{1,3}$/;

/** The place that `record` tells; what is no code counts as not known. */
export function placeOf(record: unknown): PlaceFields {
  const candidates = [
    field(field(record, "country"), "iso_code"),
    field(record, "country_code"),
    field(record, "country"),
  ];
  const country = candidates.map(upperCase).find((code) => COUNTRY_CODE.test(code));
  if (country === undefined) return NOWHERE;
  const [subdivision] = listOf(field(record, "subdivisions"));
  const codes = [field(subdivision, "iso_code"), field(record, "region_code")].map(upperCase);
  const code = codes.map((text) => withoutCountry(text, country)).find((text) => SUBDIVISION_CODE.test(text));
  return { country, region: code === undefined ? "" : `${country}-${code}` };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.getOwnPropertyDescriptor(value, name)?.value;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function upperCase(value: unknown): string {
  return typeof value === "string" ? value.toUpperCase() : "";
}

/** Some files have the whole code, "DE-BE". */
function withoutCountry(code: string, country: string): string {
  return code.startsWith(`${country}-`) ? code.slice(country.length + 1) : code;
}
