import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { DetailsInput } from "../../src/ingest/details.ts";
import { validateEvent } from "../../src/ingest/validate.ts";

const NOW_MS = Date.parse("2025-11-12T12:00:00Z");
const MINIMAL = { siteId: "s", eventType: "page_view", path: "", userId: "", eventId: "" };

const validate = (details: DetailsInput, isLocal = false) =>
  validateEvent({ ...MINIMAL, ...details }, NOW_MS, isLocal);

function reasonOf(details: DetailsInput, isLocal = false): string | undefined {
  const result = validate(details, isLocal);
  return result.ok ? undefined : result.reason;
}

function detailsOf(details: DetailsInput, isLocal = false) {
  const result = validate(details, isLocal);
  if (!result.ok) throw new Error(result.reason);
  return result.event.details;
}

test("an event without any, or with empty ones, has none", () => {
  expect(detailsOf({})).toBeUndefined();
  expect(detailsOf({ url: "", title: "", screenWidth: 0, props: {}, revenue: undefined })).toBeUndefined();
  expect(detailsOf(create(IngestEventRequestSchema, MINIMAL))).toBeUndefined();
});

test("all of them are given on, revenue in millionths", () => {
  const texts = {
    url: "https://a.example/b?c",
    referrer: "https://d.example/",
    title: "Ä",
    hostname: "a.example",
  };
  const others = { language: "de-AT", screenWidth: 1920, props: { plan: "a\nb\tc" } };
  const sender = { userAgent: "Mozilla/5.0", clientAddress: "192.0.2.1" };
  expect(
    detailsOf({ ...texts, ...others, ...sender, revenue: { amount: 9.99, currency: "EUR" } }, true),
  ).toEqual({
    ...{ ...texts, ...others, ...sender, revenue: { micros: 9_990_000n, currency: "EUR" } },
  });
});

test.each([
  ["url", "url", 8192],
  ["referrer", "referrer", 8192],
  ["title", "title", 1024],
  ["hostname", "hostname", 255],
  ["userAgent", "user_agent", 65_536],
] as const)("%s is bounded, and has no control characters", (key, name, limit) => {
  expect(reasonOf({ [key]: "x".repeat(limit) }, true)).toBeUndefined();
  const tooLong = `${name} is ${limit + 1} bytes long; at most ${limit} are allowed`;
  expect(reasonOf({ [key]: "x".repeat(limit + 1) }, true)).toBe(tooLong);
  expect(reasonOf({ [key]: "a\nb" }, true)).toBe(`${name} must not contain control characters`);
  expect(reasonOf({ [key]: "\ud800" }, true)).toBe(`${name} must not contain lone surrogates`);
});

test("a language looks like a tag of BCP 47, and is not changed", () => {
  for (const language of ["de", "de-AT", "zh-Hant-TW", "x-private", "EN-us", "de-CH-1996"]) {
    expect(detailsOf({ language })?.language).toBe(language);
  }
  for (const language of ["de_AT", "-de", "de-", "d e", "1a", "toolongaword", "*"]) {
    expect(reasonOf({ language })).toBe("language must be a language tag of BCP 47, such as de-AT");
  }
  expect(reasonOf({ language: `de${"-aaaa".repeat(7)}` })).toBe(
    "language is 37 bytes long; at most 35 are allowed",
  );
});

test.each([-1, 0.5, 100_001, Number.POSITIVE_INFINITY])("%d is no screen width", (screenWidth) => {
  expect(reasonOf({ screenWidth })).toBe("screen_width must be a whole number from 0 to 100000");
});

test("props are bounded in number and in length", () => {
  const props = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, "v"]));
  expect(reasonOf({ props: props(30) })).toBeUndefined();
  expect(reasonOf({ props: props(31) })).toBe("props has 31 keys; at most 30 are allowed");
  expect(reasonOf({ props: { ["k".repeat(300)]: "v".repeat(2000) } })).toBeUndefined();
  expect(reasonOf({ props: { "": "v" } })).toBe("a key of props is empty");
  expect(reasonOf({ props: { ["k".repeat(301)]: "" } })).toBe(
    "a key of props is 301 bytes long; at most 300 are allowed",
  );
  expect(reasonOf({ props: { plan: "v".repeat(2001) } })).toBe(
    "props.plan is 2001 bytes long; at most 2000 are allowed",
  );
});

test("keys and values of props may have lines and quotes, and no other control characters", () => {
  const props = { "a\"b\n\r\tc'; DROP TABLE events; --": 'x"\n\r\t' };
  expect(detailsOf({ props })?.props).toEqual(props);
  expect(reasonOf({ props: { "a\0": "" } })).toBe("a key of props must not contain control characters");
  expect(reasonOf({ props: { a: "\u0085" } })).toBe("props.a must not contain control characters");
  expect(reasonOf({ props: { a: "\udc00" } })).toBe("props.a must not contain lone surrogates");
});

test("__proto__ is a key like any other", () => {
  const props = Object.fromEntries([["__proto__", "v"]]);
  expect(Object.entries(detailsOf({ props })?.props ?? {})).toEqual([["__proto__", "v"]]);
});

test.each([
  [Number.NaN, "EUR", "revenue.amount must be a finite number"],
  [Number.POSITIVE_INFINITY, "EUR", "revenue.amount must be a finite number"],
  [1_000_000_000.01, "EUR", "revenue.amount must be at most 1000000000 either way"],
  [-1_000_000_000.01, "EUR", "revenue.amount must be at most 1000000000 either way"],
  [1, "", "Missing required field: revenue.currency"],
  [1, "eur", "revenue.currency must be a currency of ISO 4217 in upper case, such as EUR"],
  [1, "XYZ", "revenue.currency must be a currency of ISO 4217 in upper case, such as EUR"],
])("a revenue of %d %s is refused", (amount, currency, reason) => {
  expect(reasonOf({ revenue: { amount, currency } })).toBe(reason);
});

test("an amount is kept to the millionth", () => {
  const micros = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
  fc.assert(
    fc.property(micros, (value) => {
      const revenue = { amount: Number(value) / 1e6, currency: "JPY" };
      expect(detailsOf({ revenue })?.revenue?.micros).toBe(value);
    }),
  );
});

test("who somebody else is may be stated on this machine only", () => {
  const reason = "may be stated only by senders on the server's own machine";
  expect(reasonOf({ clientAddress: "192.0.2.1" })).toBe(`client_address ${reason}`);
  expect(reasonOf({ userAgent: "Mozilla/5.0" })).toBe(`user_agent ${reason}`);
  expect(reasonOf({ clientAddress: "192.0.2.1", userAgent: "Mozilla/5.0" }, true)).toBeUndefined();
});

test("an address that is stated is an IP address, and gets its one form", () => {
  expect(detailsOf({ clientAddress: "::FFFF:192.0.2.1" }, true)?.clientAddress).toBe("192.0.2.1");
  for (const clientAddress of [
    "192.0.2",
    "192.0.2.256",
    "example.org",
    "1.2.3.4:80",
    "\n",
    "1".repeat(1000),
  ]) {
    expect(reasonOf({ clientAddress }, true)).toBe("client_address must be an IP address, such as 192.0.2.1");
  }
});

test("of a long user agent, the first 1,024 bytes are kept", () => {
  expect(detailsOf({ userAgent: "x".repeat(64 * 1024) }, true)?.userAgent).toBe("x".repeat(1024));
  expect(detailsOf({ userAgent: "é".repeat(600) }, true)?.userAgent).toBe("é".repeat(512));
});
