import { expect, test } from "vitest";
import { BotReason } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { Enricher } from "../../src/ingest/enricher.ts";
import { type Origin, originOfBatch, UNKNOWN_ORIGIN } from "../../src/ingest/origin.ts";
import { type EventInput, validateEvent } from "../../src/ingest/validate.ts";
import { Visitors } from "../../src/ingest/visitors.ts";

const NOW_MS = Date.parse("2025-11-12T12:00:00Z");
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CHROME =
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const BROWSER: Origin = { ...UNKNOWN_ORIGIN, address: "192.0.2.1", userAgent: FIREFOX, isLocal: true };

const keyOf = (day: number) => Buffer.alloc(32, day);
const openEnricher = (openKey: (day: number) => Buffer | undefined = keyOf) =>
  new Enricher({ visitors: new Visitors({ keyOf, openKey }) });

/** What is found about an event by `enricher`. */
function found(
  change: Partial<EventInput> = {},
  origin = BROWSER,
  enricher = openEnricher(),
  nowMs = NOW_MS,
) {
  const input = { siteId: "s", eventType: "page_view", path: "/a", userId: "", eventId: "", ...change };
  const result = validateEvent(input, nowMs, true);
  if (!result.ok) throw new Error(result.reason);
  const fields = enricher.enrich(result.event, origin, nowMs);
  if (typeof fields === "string") throw new Error(fields);
  return fields;
}

test("browser and system are those of the connection's user agent", () => {
  expect(found()).toMatchObject({ path: "/a", browser: "Firefox", os: "Linux", device: "desktop" });
});

test("a user agent that is stated goes before the connection's", () => {
  expect(found({ userAgent: CHROME }).browser).toBe("Chrome");
});

test("the user agent of a program that speaks for others tells nothing", () => {
  const { browser, bot } = found({}, { ...BROWSER, userAgent: "python-requests/2.32.3" });
  expect([browser ?? "", bot]).toEqual(["", BotReason.UNSPECIFIED]);
});

test("of a batch, only what its events state is used", () => {
  const batch = originOfBatch(BROWSER);
  expect(found({}, batch)).toEqual({ path: "/a" });
  expect(found({ userAgent: CHROME }, batch)).toMatchObject({ browser: "Chrome" });
  expect(found({ userAgent: CHROME }, batch).visitor).toBeUndefined();
  expect(found({ clientAddress: "192.0.2.9" }, batch).visitor).toHaveLength(16);
});

test("the user agent of somebody else does not make a visitor of the sender's own address", () => {
  const enricher = new Enricher({
    places: { fields: () => ({ country: "DE", region: "" }) },
    visitors: new Visitors({ keyOf, openKey: keyOf }),
  });
  const stated = found({ userAgent: CHROME }, BROWSER, enricher);
  expect(stated.browser).toBe("Chrome");
  expect(stated).not.toHaveProperty("visitor");
  expect(stated).not.toHaveProperty("country");
});

test("a bot is known by its user agent, a prefetch by its headers, spam by its referrer", () => {
  const prefetch = { ...BROWSER, isPrefetch: true };
  expect(found({}, { ...prefetch, userAgent: GOOGLEBOT }).bot).toBe(BotReason.USER_AGENT);
  expect(found({ userAgent: GOOGLEBOT }).bot).toBe(BotReason.USER_AGENT);
  expect(found({}, prefetch).bot).toBe(BotReason.PREFETCH);
  expect(found({ referrer: "http://semalt.com/" }).bot).toBe(BotReason.REFERRER_SPAM);
  expect(found({ referrer: "http://semalt.com/" }, prefetch).bot).toBe(BotReason.PREFETCH);
  expect(found().bot).toBe(BotReason.UNSPECIFIED);
});

test("the page is what the URL says, and what else the event says is kept", () => {
  const fields = found({
    ...{
      path: "",
      url: "https://a.example/b?utm_source=news",
      title: "T",
      language: "de",
      screenWidth: 1280,
    },
    ...{ props: { plan: "pro" }, revenue: { amount: -0.5, currency: "EUR" } },
  });
  expect(fields).toMatchObject({
    ...{
      path: "/b",
      hostname: "a.example",
      utmSource: "news",
      title: "T",
      language: "de",
      screenWidth: 1280,
    },
    ...{ props: { plan: "pro" }, revenueMicros: -500_000n, currency: "EUR" },
  });
  expect(fields).not.toHaveProperty("isReferrerSpam");
});

test("an event that says nothing of its page but the path has no channel", () => {
  expect(found({ title: "T" }).channel).toBeUndefined();
});

test("a URL that is none is refused with the reason", () => {
  expect(() => found({ url: "http://" })).toThrow(/^url /);
});

test("a visitor is the same in the whole site and day, and nowhere else", () => {
  const enricher = openEnricher();
  const visitor = (change: Partial<EventInput>, origin = BROWSER, nowMs = NOW_MS) =>
    Buffer.from(found(change, origin, enricher, nowMs).visitor ?? "").toString("hex");
  const first = visitor({});
  expect(first).toHaveLength(32);
  expect(visitor({ path: "/b", title: "T", eventType: "click" })).toBe(first);
  expect(visitor({ clientAddress: "192.0.2.1", userAgent: FIREFOX })).toBe(first);
  const others = [
    visitor({ siteId: "t" }),
    visitor({ clientAddress: "192.0.2.2" }),
    visitor({ clientAddress: "192.0.2.1", userAgent: CHROME }),
    visitor({}, BROWSER, NOW_MS + 86_400_000),
  ];
  expect(new Set([first, ...others]).size).toBe(5);
});

test("who has a user id is no visitor, whoever came first", () => {
  const enricher = openEnricher();
  for (const userId of ["u", "", "u"]) {
    const { visitor, browser } = found({ userId }, BROWSER, enricher);
    expect([visitor === undefined, browser]).toEqual([userId === "u", "Firefox"]);
  }
});

test("without an address nobody is a visitor", () => {
  expect(found({}, { ...BROWSER, address: "" })).not.toHaveProperty("visitor");
  expect(found({}, UNKNOWN_ORIGIN)).toEqual({ path: "/a" });
});

test("a visit over midnight keeps its visitor, also for a sender that is remembered", () => {
  const enricher = openEnricher();
  const midnight = Date.parse("2025-11-13T00:00:00Z");
  const visitors = [-60, -1, 20, 40, 71].map((minutes) => {
    const { visitor } = found({}, BROWSER, enricher, midnight + minutes * 60_000);
    return Buffer.from(visitor ?? "").toString("hex");
  });
  const [first, last] = [visitors[0], visitors[4]];
  expect(visitors).toEqual([first, first, first, first, last]);
  expect(last).not.toBe(first);
});

test("as soon as there is a key, there is a visitor", () => {
  let key: Buffer | undefined;
  const enricher = openEnricher(() => key);
  expect(found({}, BROWSER, enricher).visitor).toBeUndefined();
  key = Buffer.alloc(32);
  expect(found({}, BROWSER, enricher).visitor).toHaveLength(16);
});

test("the place is that of the address, and another one as soon as the database of places says so", () => {
  let place = { country: "DE", region: "DE-BE" };
  const enricher = new Enricher({ places: { fields: () => place } });
  expect(found({}, BROWSER, enricher)).toMatchObject(place);
  place = { country: "AT", region: "" };
  expect(found({}, BROWSER, enricher)).toMatchObject(place);
  expect(found({ userAgent: FIREFOX }, originOfBatch(BROWSER), enricher).country).toBeUndefined();
});

test("nothing that is found has the address or the user agent in it", () => {
  const fields = found({ clientAddress: "198.51.100.77", userAgent: `${FIREFOX} Secret/1.0`, title: "T" });
  const text = JSON.stringify(fields, (_, value) => (typeof value === "bigint" ? String(value) : value));
  expect(text).not.toMatch(/198\.51|192\.0|Secret|Mozilla|rv:/);
});
