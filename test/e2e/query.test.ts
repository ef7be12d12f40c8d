// Events with all their fields, by every way in, are asked back by every way of asking.

import { create, toJson } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { beforeAll, expect, test } from "vitest";
import { AnalyticsService, IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { type Filter, FilterSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { PLACES_FILE } from "../data/make-mmdb.ts";
import { type AtEnd, temporaryDirectory } from "../temporary.ts";
import { type EventInit, SERVICE } from "./query-client.ts";
import { Server } from "./server.ts";

const http1 = { httpVersion: "1.1" } as const;
const connectJson = (baseUrl: string) =>
  createConnectTransport({ baseUrl, ...http1, useBinaryFormat: false });
const connectProto = (baseUrl: string) => createConnectTransport({ baseUrl, ...http1 });
const connectGet = (baseUrl: string) => createConnectTransport({ baseUrl, ...http1, useHttpGet: true });
const grpc = (baseUrl: string) => createGrpcTransport({ baseUrl });
const grpcWeb = (baseUrl: string) => createGrpcWebTransport({ baseUrl, ...http1 });

const ASKING: readonly [name: string, transport: (baseUrl: string) => Transport][] = [
  ["Connect JSON", connectJson],
  ["Connect GET", connectGet],
  ["gRPC", grpc],
  ["gRPC-Web", grpcWeb],
];

const FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0";
const SAFARI =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1";
const BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
const ODD_KEY = "a\"b'); DROP TABLE events; --\n";

/** A visit of one visitor with a purchase, a page view of another one, and a bot's. */
function eventsOf(siteId: string): EventInit[] {
  const page = {
    ...{ siteId, eventType: "page_view", hostname: "shop.example", language: "de-AT", screenWidth: 1440 },
    ...{ userAgent: FIREFOX, clientAddress: "192.0.2.17" },
  };
  return [
    {
      ...page,
      ...{ timestamp: "2025-06-01T10:00:00Z", eventId: "1", title: "Start ä" },
      url: "https://shop.example/start?utm_source=news&utm_medium=email&utm_campaign=june&utm_term=t&utm_content=c",
      referrer: "https://www.mail.example/inbox?secret=1",
      props: { plan: "pro", [ODD_KEY]: "x'y" },
    },
    {
      ...page,
      ...{ timestamp: "2025-06-01T10:02:30Z", eventId: "2", eventType: "purchase", path: "/thanks" },
      revenue: { amount: 19.99, currency: "EUR" },
    },
    {
      ...page,
      ...{ timestamp: "2025-06-02T08:00:00Z", eventId: "3", path: "/direct", userAgent: SAFARI },
      clientAddress: "2001:db8::17",
    },
    { ...page, timestamp: "2025-06-02T09:00:00Z", eventId: "4", path: "/bot", userAgent: BOT },
  ];
}

type Send = (url: string, events: EventInit[]) => Promise<void>;

const singly =
  (transport: (baseUrl: string) => Transport): Send =>
  async (url, events) => {
    const client = createClient(AnalyticsService, transport(url));
    for (const event of events) await client.ingestEvent(event);
  };
const inBatch =
  (transport: (baseUrl: string) => Transport): Send =>
  async (url, events) => {
    const answer = await createClient(AnalyticsService, transport(url)).ingestEvents({ events });
    expect(answer.rejected).toEqual([]);
  };
const inStream: Send = async (url, events) => {
  async function* batches() {
    for (const event of events) yield { events: [event] };
  }
  const answer = await createClient(AnalyticsService, grpc(url)).ingestEventStream(batches());
  expect(answer).toMatchObject({ acceptedCount: BigInt(events.length), rejectedCount: 0n });
};
const byRest: Send = async (url, events) => {
  for (const event of events) {
    const message = create(IngestEventRequestSchema, event);
    const json = toJson(IngestEventRequestSchema, message, { useProtoFieldName: true });
    const response = await fetch(`${url}/event`, { method: "POST", body: JSON.stringify(json) });
    expect(await response.json()).toEqual({ message: "Event received" });
  }
};

const SENDING: readonly [site: string, send: Send][] = [
  ["rest", byRest],
  ["connect-json", singly(connectJson)],
  ["connect-proto", singly(connectProto)],
  ["grpc", singly(grpc)],
  ["grpc-web", singly(grpcWeb)],
  ["batch-json", inBatch(connectJson)],
  ["batch-grpc", inBatch(grpc)],
  ["stream", inStream],
];

/** What is asked of each site, and its rows: dimensions and metrics. */
const ANSWERS: readonly (readonly [question: object, rows: readonly (readonly [string[], number[]])[]])[] = [
  [
    {
      metrics: ["visitors", "visits", "pageviews", "events", "views_per_visit", "bounce_rate"],
    },
    [[[], [2, 2, 2, 3, 1, 0.5]]],
  ],
  [{ metrics: ["visit_duration", "revenue"], currency: "EUR" }, [[[], [75, 19.99]]]],
  [{ metrics: ["revenue"], currency: "USD" }, [[[], [0]]]],
  [{ metrics: ["pageviews"], includeBots: true }, [[[], [3]]]],
  [
    { metrics: ["pageviews"], dimensions: ["path", "title", "hostname", "language"] },
    [
      [["/direct", "", "shop.example", "de-AT"], [1]],
      [["/start", "Start ä", "shop.example", "de-AT"], [1]],
      [["/thanks", "", "shop.example", "de-AT"], [0]],
    ],
  ],
  [
    { metrics: ["events"], dimensions: ["source", "referrer", "channel"] },
    [
      [["", "", "Direct"], [2]],
      [["news", "mail.example/inbox", "Email"], [1]],
    ],
  ],
  [
    { metrics: ["events"], dimensions: ["utm_source", "utm_medium", "utm_campaign"] },
    [
      [["", "", ""], [2]],
      [["news", "email", "june"], [1]],
    ],
  ],
  [
    { metrics: ["events"], dimensions: ["utm_term", "utm_content"] },
    [
      [["", ""], [2]],
      [["t", "c"], [1]],
    ],
  ],
  [
    { metrics: ["events", "visitors"], dimensions: ["browser", "os", "device"] },
    [
      [
        ["Firefox", "Windows", "desktop"],
        [2, 1],
      ],
      [
        ["Safari", "iOS", "mobile"],
        [1, 1],
      ],
    ],
  ],
  [
    { metrics: ["visitors"], dimensions: ["country", "region"] },
    [
      [["DE", "DE-BE"], [1]],
      [["FR", "FR-IDF"], [1]],
    ],
  ],
  [
    { metrics: ["visits"], dimensions: ["entry_page", "exit_page"] },
    [
      [["/direct", "/direct"], [1]],
      [["/start", "/start"], [1]],
    ],
  ],
  [
    { metrics: ["events"], dimensions: ["props.plan", `props.${ODD_KEY}`] },
    [
      [["", ""], [2]],
      [["pro", "x'y"], [1]],
    ],
  ],
  [
    { metrics: ["events"], dimensions: ["time:day"], from: "2025-05-31", to: "2025-06-02" },
    [
      [["2025-05-31"], [0]],
      [["2025-06-01"], [2]],
      [["2025-06-02"], [1]],
    ],
  ],
  [
    {
      ...{ metrics: ["visitors"], dimensions: ["event_type"] },
      filter: create(FilterSchema, { kind: { case: "not", value: isOne("path", "/direct") } }),
    },
    [
      [["page_view"], [1]],
      [["purchase"], [1]],
    ],
  ],
];

let url = "";
beforeAll(async () => {
  const cleanUps: Parameters<AtEnd>[0][] = [];
  const atEnd: AtEnd = (cleanUp) => cleanUps.unshift(cleanUp);
  const flags = ["--port", "0", "--geoip", PLACES_FILE];
  const server = await Server.start(temporaryDirectory(atEnd), flags, atEnd);
  url = server.url;
  for (const [site, send] of SENDING) await send(url, eventsOf(site));
  await server.caughtUp();
  return async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  };
});

test.for(SENDING)("events that came by %s are all asked back", async ([siteId]) => {
  const client = createClient(AnalyticsService, grpc(url));
  for (const [question, rows] of ANSWERS) {
    expect(await rowsOf(client, { siteId, ...question }), JSON.stringify(question)).toEqual(rows);
  }
});

test.for(ASKING)("every question has the same answer by %s", async ([, transport]) => {
  const client = createClient(AnalyticsService, transport(url));
  for (const [question, rows] of ANSWERS) {
    expect(await rowsOf(client, { siteId: "rest", ...question }), JSON.stringify(question)).toEqual(rows);
  }
});

test("a Connect GET that curl or a browser could send is answered", async () => {
  const message = JSON.stringify({ siteId: "rest", metrics: ["events"], dimensions: ["event_type"] });
  const query = new URLSearchParams({ connect: "v1", encoding: "json", message });
  const response = await fetch(`${url}${SERVICE}/QueryStats?${query}`);
  expect(await response.json()).toEqual({
    rows: [
      { dimensions: ["page_view"], metrics: [2] },
      { dimensions: ["purchase"], metrics: [1] },
    ],
    ...{ rowCount: "2", timeZone: "UTC" },
  });
});

test("goals and sites that are set by one protocol are known by all", async () => {
  const siteId = "connect-json";
  const setting = createClient(AnalyticsService, grpcWeb(url));
  const filter = isOne("event_type", "purchase");
  await setting.setSite({ siteId, name: "Shop", timeZone: "Pacific/Apia" });
  await setting.setGoal({ siteId, name: "buys", filter });
  for (const [, transport] of ASKING) {
    const client = createClient(AnalyticsService, transport(url));
    await expect
      .poll(() => client.getSite({ siteId }))
      .toMatchObject({
        ...{ siteId, name: "Shop", timeZone: "Pacific/Apia" },
        goals: [{ name: "buys", filter }],
      });
    expect(await rowsOf(client, { siteId, metrics: ["conversion_rate"], goal: "buys" })).toEqual([
      [[], [0.5]],
    ]);
  }
  const client = createClient(AnalyticsService, grpc(url));
  expect(await client.queryStats({ siteId, metrics: ["events"], range: "today" })).toMatchObject({
    ...{ timeZone: "Pacific/Apia", from: expect.stringMatching(/T00:00:00\+13:00$/) },
  });
  await setting.deleteGoal({ siteId, name: "buys" });
  await expect.poll(async () => (await client.getSite({ siteId })).goals).toEqual([]);
});

async function rowsOf(client: Client<typeof AnalyticsService>, question: object) {
  const { rows } = await client.queryStats(question);
  return rows.map(({ dimensions, metrics }) => [dimensions, metrics] as const);
}

function isOne(dimension: string, value: string): Filter {
  const condition = { dimension, operator: "is", values: [value] };
  return create(FilterSchema, { kind: { case: "condition", value: condition } });
}
