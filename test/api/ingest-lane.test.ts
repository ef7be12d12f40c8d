// The lane of single events answers as the full handlers do: each request goes to a port with the lane and to one
// without, and all that a client can see, and all that is stored, must be the same.

import { once } from "node:events";
import { request as requestHttp1 } from "node:http";
import { create, fromJson, type MessageInitShape, toBinary, toJsonString } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { shapeOf } from "../../src/api/ingest-shapes.ts";
import { MAX_EVENT_BYTES } from "../../src/api/message-size.ts";
import { Origins } from "../../src/api/origin.ts";
import { pause } from "../../src/pause.ts";
import { messageOf } from "../fuzz/messages.ts";
import { type Call, envelope, type Headers, openPair, overHttp1, overHttp2 } from "./lane-pair.ts";
import { openSession, openTestPort } from "./port-fixture.ts";

const RPC = "/analytics.v1.AnalyticsService/IngestEvent";
const JSON_EVENT = Buffer.from('{"site_id":"s","event_type":"page_view","path":"/a"}');
const PROTO_EVENT = Buffer.from(
  toBinary(
    IngestEventRequestSchema,
    fromJson(IngestEventRequestSchema, { siteId: "s", eventType: "view", eventId: "é" }),
  ),
);

/** Each way to send an event, with the body that it makes of a message or of JSON. */
const WAYS: Readonly<
  Record<string, { path: string; type: string; isJson: boolean; wrap: (body: Buffer) => Buffer }>
> = {
  REST: { path: "/event", type: "text/plain", isJson: true, wrap: (body) => body },
  "Connect JSON": { path: RPC, type: "application/json", isJson: true, wrap: (body) => body },
  "Connect proto": { path: RPC, type: "application/proto", isJson: false, wrap: (body) => body },
  gRPC: { path: RPC, type: "application/grpc", isJson: false, wrap: envelope },
  "gRPC-Web": { path: RPC, type: "application/grpc-web+proto", isJson: false, wrap: envelope },
};
const ALL = Object.entries(WAYS);

function callOf(way: (typeof WAYS)[string], body: Buffer, headers: Headers = {}): Call {
  return { path: way.path, headers: { "content-type": way.type, ...headers }, body: way.wrap(body) };
}

test.for(ALL)("%s: a good event, whole and in parts", async ([, way]) => {
  const send = await openPair();
  const good = callOf(way, way.isJson ? JSON_EVENT : PROTO_EVENT);
  for (const splitAt of [undefined, 0, 1, 5, good.body.length]) {
    for (const { status } of await send({ ...good, ...(splitAt !== undefined && { splitAt }) }))
      expect(status).toBe(200);
  }
});

test.for(ALL)("%s: headers that matter, and headers that do not", async ([, way]) => {
  const send = await openPair();
  const body = way.isJson ? JSON_EVENT : PROTO_EVENT;
  const variants: Headers[] = [
    { "content-type": `${way.type}; charset=utf-8` },
    { "content-type": way.type.toUpperCase() },
    { "content-type": "application/xml" },
    { "content-type": "application/connect+proto" },
    { "content-encoding": "identity" },
    { "content-encoding": "gzip" },
    { "content-encoding": "snappy" },
    { "grpc-encoding": "identity" },
    { "grpc-encoding": "gzip" },
    { "accept-encoding": "gzip, br" },
    { "grpc-accept-encoding": "gzip" },
    { "grpc-accept-encoding": "snappy, br,gzip" },
    { "grpc-accept-encoding": "snappy" },
    { "grpc-accept-encoding": "" },
    { "connect-accept-encoding": "gzip" },
    { "connect-protocol-version": "1" },
    { "connect-protocol-version": "2" },
    ...["10000", "soon", ""].map((value) => ({ "connect-timeout-ms": value })),
    ...["10S", "9999892u", "10000m", "1M", "1H", "10s", "100000000u", "soon", ""].map((value) => ({
      "grpc-timeout": value,
    })),
    { "x-unknown": "1", te: "trailers" },
  ];
  for (const headers of variants) await send(callOf(way, body, headers));
});

test("the lane takes a request whose deadline is far away, and no other", () => {
  const isTaken = (headers: Headers) =>
    shapeOf(RPC, { "content-type": "application/grpc", ...headers }) !== undefined;
  const grpc = (value: string) => isTaken({ "grpc-timeout": value });
  const connect = (value: string) => isTaken({ "connect-timeout-ms": value });
  expect(["10S", "1S", "1000m", "1000000u", "9999892u", "5M", "99999999H"].filter(grpc)).toHaveLength(7);
  expect(["999m", "999999u", "0S", "99999999n", "10", "S", "10s", "+9S", ""].filter(grpc)).toEqual([]);
  expect(["1000", "10000", "9999999999"].filter(connect)).toHaveLength(3);
  expect(["999", "0", "99999999999", "-1", "1e4", "soon", ""].filter(connect)).toEqual([]);
});

test.for(ALL)("%s: other targets", async ([, way]) => {
  const send = await openPair();
  const good = callOf(way, way.isJson ? JSON_EVENT : PROTO_EVENT);
  for (const path of [
    `${good.path}?x=1`,
    `${good.path}/`,
    `${good.path}s`,
    good.path.toLowerCase(),
    `/${good.path}`,
  ]) {
    await send({ ...good, path });
  }
});

const TEXTS = [
  "",
  "s",
  "é😀",
  "a\u0000b",
  "\u0085",
  "x".repeat(129),
  "y".repeat(2049),
  "2025-02-30",
  "2025-11-12T00:00:00",
];
const FIELDS = [
  "site_id",
  "siteId",
  "event_type",
  "eventType",
  "path",
  "user_id",
  "timestamp",
  "event_id",
  "eventId",
];

test.for(ALL.filter(([, { isJson }]) => isJson))("%s: JSON, right and wrong", async ([, way]) => {
  const send = await openPair();
  const whole = { site_id: "s", event_type: "page_view" };
  const values: unknown[] = [...TEXTS, null, 1, true, [], {}, ["s"]];
  const texts = FIELDS.flatMap((field) =>
    values.map((value) => JSON.stringify({ ...whole, [field]: value })),
  );
  texts.push(
    ...["", " ", "null", "[]", '"s"', "1", "{", "{}", "}", '{"site_id":"s"', "\ufeff{}", "nul", '{"a":1}{}'],
    ...['{"site_id":"s","event_type":"v","@type":"x"}', '{"site_id":"s","event_type":"v","[a.b]":1}'],
    ...[
      '{"site_id":"s","event_type":"v","__proto__":{"path":"/x"}}',
      '{"site_id":"s","event_type":"v","extra":[1]}',
    ],
    ...['{"site_id":"a","site_id":"b","event_type":"v"}', '{"siteId":"a","site_id":"b","event_type":"v"}'],
    ...['{"siteId":"","site_id":"b","event_type":"v"}', '{"site_id":"\\ud800","event_type":"v"}'],
    ...['{"site_id":"s","site\\u005fid":"s","event_type":"v"}', '{"site_id":"\\"s\\"","event_type":"\\\\"}'],
    // Of two with a name, all but one are dropped: so short that the others could be as long as all.
    '{"site_id":"s","event_type":"v","a":"1","b":"1","c":"1","d":"1","x":"","x":""}',
    ...['{"site_id":"s","event_type":"v","x":"1","x":"2"}', ' { "site_id" : "s" , "event_type" : "v" } '],
    `\ufeff${JSON.stringify(whole)}`,
    `${"[".repeat(5000)}${"]".repeat(5000)}`,
    JSON.stringify({ ...whole, path: "p".repeat(MAX_EVENT_BYTES) }),
    `${JSON.stringify(whole)}${" ".repeat(MAX_EVENT_BYTES - JSON.stringify(whole).length)}`,
    `${JSON.stringify(whole)}${" ".repeat(MAX_EVENT_BYTES - JSON.stringify(whole).length + 1)}`,
  );
  for (const text of texts) await send(callOf(way, Buffer.from(text)));
  await send(callOf(way, Buffer.from('{"site_id":"\xff","event_type":"v"}', "latin1")));
  await send(callOf(way, Buffer.from('{"site_id":"s","event_type":"v"}', "utf16le")));
});

/** Values of the further fields, right and wrong, some of them for REST alone or for ProtoJSON alone. */
const DETAILS: Readonly<Record<string, readonly unknown[]>> = {
  url: ["https://a.example/b?utm_source=c", "/a", "", "a\nb", "x".repeat(8193), 1, null],
  referrer: ["https://d.example/", "\u0000", {}],
  title: ["T", "é".repeat(513), true],
  hostname: ["a.example", "a".repeat(256)],
  language: ["de-AT", "de_AT", 1],
  user_agent: ["Mozilla/5.0", "\r\n"],
  userAgent: ["Mozilla/5.0", 1],
  client_address: ["192.0.2.1", "::ffff:192.0.2.1", "nowhere"],
  clientAddress: ["2001:db8::1", "nowhere"],
  screen_width: [0, 1280, "1280", 100_001, 1.5, -1, "wide", [], null],
  screenWidth: [1280, "1280", 100_001, null],
  props: [{}, { plan: "pro" }, { plan: 1 }, { plan: null }, { "": "x" }, "pro", [], null],
  revenue: [
    ...[{ amount: 9.99, currency: "EUR" }, { amount: "9.99", currency: "EUR" }, { currency: "EUR" }],
    ...[{ amount: "NaN", currency: "EUR" }, { amount: 1, currency: "eur" }, { amount: 1 }, 1, "1", null],
  ],
};

test.for(ALL.filter(([, { isJson }]) => isJson))(
  "%s: JSON with details, right and wrong",
  async ([, way]) => {
    const send = await openPair();
    const answers = new Set<number | undefined>();
    for (const [field, values] of Object.entries(DETAILS)) {
      for (const value of values) {
        const body = { site_id: "s", event_type: "page_view", [field]: value };
        for (const { status } of await send(callOf(way, Buffer.from(JSON.stringify(body)))))
          answers.add(status);
      }
    }
    const twice = '{"site_id":"s","event_type":"v","user_agent":"a","userAgent":"b"}';
    await send(callOf(way, Buffer.from(twice)));
    expect([...answers].sort()).toEqual([200, 400]);
  },
);

test.for(ALL.filter(([, { isJson }]) => !isJson))("%s: messages with details", async ([, way]) => {
  const send = await openPair();
  const whole = { siteId: "s", eventType: "page_view" };
  const fields: MessageInitShape<typeof IngestEventRequestSchema>[] = [
    ...[{ url: "/a" }, { url: "a\nb" }, { title: "T", hostname: "h", language: "de", referrer: "r" }],
    ...[{ screenWidth: 1280 }, { screenWidth: 100_001 }, { props: { plan: "pro" } }, { props: { "": "x" } }],
    ...[{ revenue: { amount: 1, currency: "EUR" } }, { revenue: { amount: Number.NaN, currency: "EUR" } }],
    ...[{ userAgent: "Mozilla/5.0" }, { clientAddress: "192.0.2.1" }, { clientAddress: "nowhere" }],
  ];
  for (const details of fields) {
    const message = create(IngestEventRequestSchema, { ...whole, ...details });
    await send(callOf(way, Buffer.from(toBinary(IngestEventRequestSchema, message))));
  }
});

test.for(ALL)("%s: headers that tell where it comes from, and whether it may be stored", async ([, way]) => {
  const send = await openPair(new Origins({ trustProxy: ["loopback"], respectGpc: true }));
  const variants: Headers[] = [
    { "user-agent": "Mozilla/5.0" },
    { "user-agent": "x".repeat(2000) },
    ...["192.0.2.1", "198.51.100.1, 192.0.2.1", "192.0.2.1, 127.0.0.1", "unknown"].map((list) => ({
      "x-forwarded-for": list,
    })),
    ...[{ forwarded: "for=192.0.2.1" }, { via: "1.1 proxy" }, { "x-real-ip": "192.0.2.1" }],
    ...[{ "sec-purpose": "prefetch;prerender" }, { purpose: "prefetch" }, { "x-moz": "prefetch" }],
    ...[{ "sec-gpc": "1" }, { dnt: "1" }, { "sec-gpc": "0", dnt: "0" }],
  ];
  const stating = way.isJson
    ? Buffer.from('{"site_id":"s","event_type":"v","client_address":"192.0.2.1"}')
    : Buffer.concat([PROTO_EVENT, Buffer.from("\x82\x01\x09192.0.2.1", "latin1")]);
  for (const headers of variants) {
    await send(callOf(way, way.isJson ? JSON_EVENT : PROTO_EVENT, headers));
    await send(callOf(way, stating, headers));
  }
});

test.for(ALL.filter(([, { isJson }]) => !isJson))("%s: messages, right and wrong", async ([, way]) => {
  const send = await openPair();
  const bodies = [
    ...[
      Buffer.alloc(0),
      Buffer.from([0]),
      Buffer.from([0x0a]),
      Buffer.from([0x0a, 5, 1]),
      Buffer.from([0x0b]),
    ],
    // A group, a wrong wire type, an unknown field, field number 0, a field twice.
    ...[
      Buffer.from([0x0b, 0x0c]),
      Buffer.from([0x08, 1]),
      Buffer.concat([PROTO_EVENT, Buffer.from([0x98, 6, 1])]),
    ],
    ...[Buffer.concat([PROTO_EVENT, Buffer.from([0x00, 1])]), Buffer.concat([PROTO_EVENT, PROTO_EVENT])],
    // Text that is not UTF-8, and a length beyond the end.
    ...[Buffer.from([0x0a, 1, 0xff, 0x12, 1, 0x76]), Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    Buffer.concat([PROTO_EVENT, Buffer.from([0x1a, 0x80, 0x80, 4]), Buffer.alloc(MAX_EVENT_BYTES, 0x61)]),
  ];
  for (const body of bodies) await send(callOf(way, body));
});

test.for(["application/grpc", "application/grpc-web"])("%s: envelopes, right and wrong", async (type) => {
  const send = await openPair();
  const bodies = [
    ...[envelope(PROTO_EVENT, 1), envelope(PROTO_EVENT, 2), envelope(PROTO_EVENT, 0x80)],
    ...[envelope(PROTO_EVENT, 0, 3), envelope(PROTO_EVENT, 0, 1000), envelope(PROTO_EVENT, 0, 0xffff_ffff)],
    ...[
      envelope(PROTO_EVENT).subarray(0, 4),
      Buffer.alloc(0),
      Buffer.concat([envelope(PROTO_EVENT), envelope(PROTO_EVENT)]),
    ],
  ];
  for (const body of bodies) await send({ path: RPC, headers: { "content-type": type }, body });
});

test("any message, and any message with a byte changed, by every way", async () => {
  const send = await openPair();
  const change = fc.option(fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) }));
  await fc.assert(
    fc.asyncProperty(messageOf(IngestEventRequestSchema), change, async (message, changed) => {
      for (const [, way] of ALL) {
        const bytes = way.isJson
          ? Buffer.from(toJsonString(IngestEventRequestSchema, message))
          : Buffer.from(toBinary(IngestEventRequestSchema, message));
        if (changed && bytes.length > 0) bytes[changed.at % bytes.length] = changed.to;
        await send(callOf(way, bytes));
      }
    }),
    { numRuns: 100 },
  );
}, 60_000);

test("a body that is too long and comes slowly is answered, also when it does not say how long it is", async () => {
  const { port, url } = await openTestPort();
  const long = Buffer.alloc(900 * 1024, 0x20);
  for (const headers of [{ "content-length": String(long.length) }, { "transfer-encoding": "chunked" }]) {
    const req = requestHttp1({
      host: "127.0.0.1",
      port,
      method: "POST",
      path: "/event",
      headers,
      agent: false,
    });
    const answered = once(req, "response");
    for (let at = 0; at < long.length; at += 90 * 1024) {
      req.write(long.subarray(at, at + 90 * 1024));
      await pause(2);
    }
    req.end();
    const [res] = await answered;
    expect(res.statusCode).toBe(413);
    await res.toArray();
  }
  const { session } = openSession(url);
  const call = { path: "/event", headers: {}, body: long, splitAt: MAX_EVENT_BYTES + 1 };
  expect(await overHttp2(session, call)).toMatchObject({ status: 413 });
});

test("the longest message, and one that is a byte longer, in an envelope", async () => {
  const send = await openPair();
  const whole = Buffer.concat([PROTO_EVENT, Buffer.from([0x7a, 0x80, 0x80, 4])]);
  for (const [more, status] of [
    [0, "0"],
    [1, "8"],
  ] as const) {
    const body = envelope(Buffer.concat([whole, Buffer.alloc(MAX_EVENT_BYTES - whole.length + more, 0x61)]));
    body.writeUIntBE(0, 0, 1);
    for (const splitAt of [undefined, 1000, MAX_EVENT_BYTES + 1]) {
      const call = { path: RPC, headers: { "content-type": "application/grpc" }, body };
      const seen = await send({ ...call, ...(splitAt !== undefined && { splitAt }) });
      if (more === 1) expect(seen[1]?.trailers).toMatchObject({ "grpc-status": status });
    }
  }
});

test("a refusal is answered as the full handlers do", async () => {
  const withLane = await openTestPort();
  const without = await openTestPort({ lane: undefined });
  for (const refusal of ["buffer_full", "unavailable"] as const) {
    for (const port of [withLane, without]) port.ingest.refusal = refusal;
    for (const [, way] of ALL) {
      const call = callOf(way, way.isJson ? JSON_EVENT : PROTO_EVENT);
      const seen = [];
      for (const port of [withLane, without]) {
        seen.push([await overHttp1(port, call), await overHttp2(openSession(port.url).session, call)]);
      }
      expect(seen[0]).toEqual(seen[1]);
    }
  }
  expect([withLane.ingest.stored, without.ingest.stored]).toEqual([[], []]);
});
