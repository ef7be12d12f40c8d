import { expect, test } from "vitest";
import { parseEventJson } from "../../src/api/rest-event.ts";

const WHOLE = { site_id: "s", event_type: "page_view" };
const parse = (fields: object) => parseEventJson(Buffer.from(JSON.stringify({ ...WHOLE, ...fields })));

test("every field is read", () => {
  const texts = { url: "/a", referrer: "r", title: "t", hostname: "h", language: "de" };
  const sender = { user_agent: "u", client_address: "c" };
  expect(parse({ ...texts, ...sender, screen_width: 1280, props: { a: "b" } })).toEqual({
    ...{ siteId: "s", eventType: "page_view", path: "", userId: "", timestamp: "", eventId: "" },
    ...{ ...texts, userAgent: "u", clientAddress: "c", screenWidth: 1280, props: { a: "b" } },
  });
});

test("props that are numbers or booleans become texts, and null is none", () => {
  const props = { text: "t", number: 1.5, yes: true, no: false, zero: 0, none: null, empty: "" };
  expect(parse({ props })).toMatchObject({
    props: { text: "t", number: "1.5", yes: "true", no: "false", zero: "0", empty: "" },
  });
  expect(parse({ props })).not.toHaveProperty("props.none");
});

test("__proto__ is a prop like any other", () => {
  const event = parseEventJson(Buffer.from('{"site_id":"s","event_type":"e","props":{"__proto__":"x"}}'));
  expect(typeof event === "string" ? event : Object.entries(event.props ?? {})).toEqual([["__proto__", "x"]]);
});

test("an amount is a number or a text", () => {
  const amountOf = (amount: unknown) => parse({ revenue: { amount, currency: "EUR" } });
  for (const [amount, read] of [
    [9.99, 9.99],
    ["9.99", 9.99],
    ["-1", -1],
    [0, 0],
  ]) {
    expect(amountOf(amount)).toMatchObject({ revenue: { amount: read, currency: "EUR" } });
  }
  for (const amount of ["", "9,99", "1e3", "NaN", "Infinity", "0x10", " 1", true, {}, []]) {
    expect(amountOf(amount)).toBe('revenue.amount must be a number, or a string such as "9.99"');
  }
  for (const amount of [null, undefined]) {
    expect(amountOf(amount)).toBe("Missing required field: revenue.amount");
  }
});

test.each([
  [{ url: 1 }, "url must be a string"],
  [{ client_address: {} }, "client_address must be a string"],
  [{ screen_width: "1280" }, "screen_width must be a number"],
  [{ props: "plan" }, "props must be an object"],
  [{ props: ["plan"] }, "props must be an object"],
  [{ props: { plan: {} } }, "props.plan must be a string, a number or a boolean"],
  [{ props: { plan: [] } }, "props.plan must be a string, a number or a boolean"],
  [{ revenue: 9.99 }, "revenue must be an object"],
  [{ revenue: [] }, "revenue must be an object"],
  [{ revenue: { amount: 1, currency: 978 } }, "revenue.currency must be a string"],
  [{ title: 1, props: 1 }, "title must be a string"],
])("%j is refused: %s", (fields, reason) => {
  expect(parse(fields)).toBe(reason);
});

test("null counts as absent", () => {
  const fields = { url: null, screen_width: null, props: null, revenue: null };
  expect(parse(fields)).toEqual(parse({}));
});
