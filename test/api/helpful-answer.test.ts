// What the RPCs say of requests that no handler sees, over fakes.

import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { http1, openSession, openTestPort, RawClient, SOON } from "./port-fixture.ts";

const SERVICE = "/analytics.v1.AnalyticsService";
const JSON_TYPE = { "Content-Type": "application/json" };
const SITE = { site_id: "s" };
const FILTER = { condition: { dimension: "path", operator: "is", values: ["/"] } };
const REQUESTS: readonly (readonly [rpc: string, request: object])[] = [
  ["GetStats", SITE],
  ["GetStatus", {}],
  ["QueryStats", { ...SITE, metrics: ["visitors"] }],
  ["GetSite", SITE],
  ["SetSite", SITE],
  ["SetGoal", { ...SITE, name: "g", filter: FILTER }],
  ["DeleteGoal", { ...SITE, name: "g" }],
];
/** Those without side effects. */
const QUESTIONS = REQUESTS.slice(0, 4);

async function post(
  url: string,
  rpc: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = JSON_TYPE,
) {
  const response = await fetch(`${url}${SERVICE}/${rpc}`, { method: "POST", body, headers });
  return { status: response.status, headers: response.headers, body: await response.json() };
}

async function get(url: string, rpc: string, message: string) {
  const query = new URLSearchParams({ connect: "v1", encoding: "json", message });
  const response = await fetch(`${url}${SERVICE}/${rpc}?${query}`);
  return { status: response.status, body: await response.json() };
}

const refused = (message: unknown) => ({ status: 400, body: { code: "invalid_argument", message } });

test.each(REQUESTS)("a field that %s does not have is refused, by its name", async (rpc, request) => {
  const { url, ingest } = await openTestPort();
  expect(await post(url, rpc, JSON.stringify(request))).toMatchObject({ status: 200 });
  const said = ingest.settings.length;
  const answer = await post(url, rpc, JSON.stringify({ ...request, colour: "red" }));
  const message = expect.stringMatching(
    RegExp(`^analytics\\.v1\\.${rpc}Request has no field "colour"; it has `),
  );
  expect(answer).toMatchObject(refused(message));
  expect(Number(answer.headers.get("content-length"))).toBe(JSON.stringify(answer.body).length);
  expect(ingest.settings).toHaveLength(said);
});

test.each(QUESTIONS)("so it is when %s is asked with GET", async (rpc, request) => {
  const { url } = await openTestPort();
  expect(await get(url, rpc, JSON.stringify(request))).toMatchObject({ status: 200 });
  const { status, body } = await get(url, rpc, JSON.stringify({ ...request, colour: "red" }));
  expect({ status, body }).toEqual(refused(expect.stringMatching(/Request has no field "colour"; it has /)));
});

test.each([
  [{ order_by: [{ key: "a", desc: true }] }, 'OrderBy has no field "desc"; it has key, descending'],
  [
    { filter: { not: { conditions: [] } } },
    'Filter has no field "conditions"; it has condition, and, or, not',
  ],
  [
    { comparison: "previous_period" },
    'Comparison has no value "previous_period"; it has COMPARISON_PREVIOUS_PERIOD, COMPARISON_PREVIOUS_YEAR',
  ],
])("what is wrong within a question is said with what would be right: %j", async (part, message) => {
  const { url } = await openTestPort();
  const body = JSON.stringify({ ...SITE, metrics: ["visitors"], ...part });
  expect(await post(url, "QueryStats", body)).toMatchObject(refused(`analytics.v1.${message}`));
  const compressed = { ...JSON_TYPE, "Content-Encoding": "gzip" };
  const answer = await post(url, "QueryStats", new Uint8Array(gzipSync(body)), compressed);
  expect(answer).toMatchObject(refused(`analytics.v1.${message}`));
});

test("a field that events do not have is ignored", async () => {
  const { url, ingest } = await openTestPort();
  const event = { ...SITE, event_type: "x", colour: "red" };
  await post(url, "IngestEvent", JSON.stringify(event));
  await post(url, "IngestEvents", JSON.stringify({ events: [event], colour: "red" }));
  expect(ingest.stored).toHaveLength(2);
});

const BATCH_BYTES = 4 * 1024 * 1024;
const tooLarge = (message: string) => ({ status: 429, body: { code: "resource_exhausted", message } });

test("a batch that is too large is told its limit, and what to do", async () => {
  const { url } = await openTestPort();
  const large = " ".repeat(BATCH_BYTES + 1);
  const limit = "at most 4194304 bytes are allowed: send fewer events at a time";
  const known = tooLarge(`the request is 4194305 bytes long; ${limit}`);
  expect(await post(url, "IngestEvents", large)).toMatchObject(known);
  expect(await post(url, "IngestEvents", large, { "Content-Type": "application/proto" })).toMatchObject(
    known,
  );
  const compressed = { ...JSON_TYPE, "Content-Encoding": "gzip" };
  const answer = await post(url, "IngestEvents", new Uint8Array(gzipSync(large)), compressed);
  expect(answer).toMatchObject(tooLarge(`the request is too long after decompression; ${limit}`));
});

test("a single event that is too large is told its limit", async () => {
  const { url } = await openTestPort();
  const message = "the request is 65537 bytes long; at most 65536 bytes are allowed";
  expect(await post(url, "IngestEvent", " ".repeat(65_537))).toMatchObject(tooLarge(message));
});

test.each([
  ["IngestEvent", "application/json", 429],
  ["IngestEvents", "application/json", 429],
  ["IngestEvents", "application/proto", 429],
  ["IngestEventStream", "application/connect+proto", 200],
  ["IngestEventStream", "application/json", 415],
])(
  "%s in %s reads a far too large body to its end, for a sender that reads no answer before",
  async (...row) => {
    const [rpc, type, status] = row;
    const { port } = await openTestPort();
    const client = await RawClient.open(port);
    const head = `POST ${SERVICE}/${rpc} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\n`;
    const bytes = 4 * BATCH_BYTES;
    client.send(`${head}Transfer-Encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n`);
    client.send(Buffer.alloc(bytes, " "));
    client.send(`\r\n0\r\n\r\n${http1("GET /health")}`);
    await expect.poll(() => client.received, SOON).toMatch(/"status":"healthy"/);
    expect(client.received).toMatch(RegExp(`^HTTP/1.1 ${status} `));
  },
);

const UNARY = "application/json, application/proto, application/grpc, application/grpc-web";
const STREAM = "application/connect+json, application/connect+proto, application/grpc, application/grpc-web";

test.each([
  ["IngestEvent", "application/x-www-form-urlencoded", UNARY],
  ["QueryStats", "application/connect+json", UNARY],
  ["IngestEvents", "x".repeat(100), UNARY],
  ["IngestEvents", "", UNARY],
  ["IngestEventStream", "application/json", STREAM],
])("%s of the type %j is told which types there are", async (rpc, type, types) => {
  const { url, ingest } = await openTestPort();
  const { status, headers, body } = await post(url, rpc, "{}", { "Content-Type": type });
  const message = `Content-Type is "${type.slice(0, 60)}${type.length > 60 ? "…" : ""}"; ${rpc} takes one of ${types}`;
  expect({ status, body }).toEqual({ status: 415, body: { code: "invalid_argument", message } });
  expect(headers.get("accept-post")).toBe(types);
  expect(ingest.calls).toBe(0);
});

test("a request without a type is told so, by HTTP/2 as well", async () => {
  const { url } = await openTestPort();
  const body = new TextEncoder().encode("{}");
  const message = `Content-Type is missing; GetSite takes one of ${UNARY}`;
  expect(await post(url, "GetSite", body, {})).toMatchObject({ status: 415, body: { message } });
  const answer = await openSession(url).request("POST", `${SERVICE}/GetSite`, "{}");
  expect({ ...answer, body: JSON.parse(answer.body) }).toMatchObject({ status: 415, body: { message } });
});

test("a GET without an encoding is told so", async () => {
  const { url } = await openTestPort();
  const response = await fetch(`${url}${SERVICE}/GetSite?message={}`);
  expect({ status: response.status, body: await response.json() }).toMatchObject({
    ...{ status: 415, body: { message: expect.stringMatching(/encoding must be json or proto/) } },
  });
});

test("other reasons stay as they are", async () => {
  const { url } = await openTestPort();
  expect(await post(url, "GetSite", "{}")).toMatchObject(refused("Missing required field: site_id"));
});
