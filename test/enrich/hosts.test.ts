import { expect, test } from "vitest";
import { ofHost } from "../../src/enrich/hosts.ts";

const TABLE = new Map([
  ["example.org", "example"],
  ["mail.example.org", "mail"],
  ["brand.*", "brand"],
]);

test.each([
  ["example.org", "example"],
  ["www.example.org", "example"],
  ["a.mail.example.org", "mail"],
  ["notexample.org", undefined],
  ["example.org.net", undefined],
  ["org", undefined],
  ["", undefined],
  ["brand.de", "brand"],
  ["www.brand.co.uk", "brand"],
  ["brand.com.br", "brand"],
  ["brand", undefined],
  ["brand.example.net", undefined],
  ["mybrand.com", undefined],
  [`${"a.".repeat(120)}mail.example.org`, "mail"],
  [`${"a.".repeat(120)}brand.co.uk`, "brand"],
])("%j is of %j", (host, value) => {
  expect(ofHost(TABLE, host)).toBe(value);
});
