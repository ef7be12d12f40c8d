// No address and no user agent stays anywhere: every file of the data directory and of a backup is searched, and all that
// the server has said, after events by every way in, an import and a crash. Nor does a backup have the visitors' keys.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { create, toJson } from "@bufbuild/protobuf";
import { createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { expect, test } from "vitest";
import { AnalyticsService, IngestEventRequestSchema } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { temporaryDirectory } from "../temporary.ts";
import { ask, type EventInit } from "./query-client.ts";
import { footfall, Server } from "./server.ts";

const OWN_LOG = join(import.meta.dirname, "../data/access.log");
const http1 = { httpVersion: "1.1" } as const;
const TRANSPORTS: readonly ((baseUrl: string) => Transport)[] = [
  (baseUrl) => createConnectTransport({ baseUrl, ...http1, useBinaryFormat: false }),
  (baseUrl) => createConnectTransport({ baseUrl, ...http1 }),
  (baseUrl) => createGrpcTransport({ baseUrl }),
  (baseUrl) => createGrpcWebTransport({ baseUrl, ...http1 }),
];
const EVENT = { siteId: "s", eventType: "page_view" };

/** Addresses and user agents that nobody else has, and all that were given out. */
class Secrets {
  readonly all = new Set<string>();

  address(): string {
    const number = this.all.size;
    const isOld = number % 2 === 0;
    return this.#note(
      isOld ? `100.100.${number >> 8}.${number & 255}` : `2001:db8:5ec::${number.toString(16)}`,
    );
  }

  agent(): string {
    const version = `${140 + this.all.size}.0`;
    return this.#note(
      `Mozilla/5.0 (X11; Linux x86_64; rv:${version}; private) Gecko/20100101 Firefox/${version}`,
    );
  }

  /** As the headers of a browser behind a proxy. */
  headers(): Record<string, string> {
    return { "X-Forwarded-For": `198.18.0.1, ${this.address()}`, "User-Agent": this.agent() };
  }

  /** As the fields of an event. */
  fields() {
    return { clientAddress: this.address(), userAgent: this.agent() };
  }

  /** Those of an access log. */
  addLog(path: string): void {
    for (const line of readFileSync(path, "utf8").split("\n")) {
      const [, address, agent = "-"] = /^(\S+) .*"([^"]*)"$/.exec(line) ?? [];
      if (address !== undefined) this.#note(address);
      if (agent !== "-") this.#note(agent);
    }
  }

  #note(secret: string): string {
    this.all.add(secret);
    return secret;
  }
}

test("nothing of addresses and user agents stays", async () => {
  const secrets = new Secrets();
  secrets.addLog(OWN_LOG);
  const data = temporaryDirectory();
  const flags = ["--port", "0", "--log-level", "debug"];
  const server = await Server.start(data, flags);
  await sendStated(server.url, secrets);
  expect(
    await footfall(["import", "--url", server.url, "--data", data, "--site", "s", OWN_LOG]),
  ).toMatchObject({ code: 0 });
  await server.killChild("api");
  // A killed api is started again.
  await expect
    .poll(() => server.getJson("/health").catch(() => ({})), { timeout: 20_000 })
    .toMatchObject({ status: "healthy" });
  await sendStated(server.url, secrets);
  await server.caughtUp();
  expectNone(filesIn(data), secrets);
  const before = await server.stop();

  const proxied = await Server.start(data, [...flags, "--trust-proxy", "loopback"]);
  await sendBehindProxy(proxied.url, secrets);
  await proxied.caughtUp();
  // It was understood: browsers and visitors are known.
  const question = { siteId: "s", metrics: ["visitors"], dimensions: ["browser"] };
  expect((await ask(proxied.url, question)).body).toContain('"Firefox"');
  expectNone(filesIn(data), secrets);

  const target = join(temporaryDirectory(), "backup");
  expect(await footfall(["backup", target, "--data", data])).toMatchObject({ code: 0 });
  const backup = filesIn(target);
  expectNone(backup, secrets);
  const keys = readFileSync(join(data, "visitor.keys"), "latin1").match(/[0-9a-f]{64}/g) ?? [];
  expect(keys.length).toBeGreaterThan(0);
  expect([...backup.keys()].filter((name) => name.includes("visitor.keys"))).toEqual([]);
  expectNone(backup, { all: new Set(keys) });
  for (const bytes of backup.values()) {
    for (const key of keys) expect(bytes.includes(Buffer.from(key, "hex"))).toBe(false);
  }

  const after = await proxied.stop();
  for (const { code, stdout, stderr } of [before, after]) {
    expect(code).toBe(0);
    expectNone(new Map([["what was said", Buffer.from(stdout + stderr)]]), secrets);
  }
  expectNone(filesIn(data), secrets);
});

/** Events that say who somebody else is, by every way in; and some that are refused. */
async function sendStated(url: string, secrets: Secrets): Promise<void> {
  const event = (more: EventInit = {}): EventInit => ({ ...EVENT, ...secrets.fields(), ...more });
  const json = toJson(IngestEventRequestSchema, create(IngestEventRequestSchema, event()), {
    useProtoFieldName: true,
  });
  await post(url, JSON.stringify(json), {}, 200);
  await post(url, JSON.stringify({ ...Object(json), language: "none!" }), {}, 400);
  for (const transport of TRANSPORTS) {
    const client = createClient(AnalyticsService, transport(url));
    await client.ingestEvent(event());
    await client.ingestEvent(event({ userId: "known", url: "https://a.example/?utm_source=x" }));
    const { rejected } = await client.ingestEvents({ events: [event(), event({ screenWidth: 1e6 })] });
    expect(rejected).toHaveLength(1);
    async function* batches() {
      yield { events: [event(), event({ title: "t" })] };
      yield { events: [event({ revenue: { amount: 1, currency: "none" } })] };
    }
    expect(await client.ingestEventStream(batches())).toMatchObject({ acceptedCount: 2n, rejectedCount: 1n });
    const wrong = event({ clientAddress: `${secrets.address()}/99` });
    await expect(client.ingestEvent(wrong)).rejects.toThrow("client_address must be an IP address");
  }
}

/** The events of browsers that a proxy passes on. */
async function sendBehindProxy(url: string, secrets: Secrets): Promise<void> {
  const body = JSON.stringify({ site_id: "s", event_type: "page_view", url: "https://a.example/b" });
  await post(url, body, secrets.headers(), 200);
  await post(url, `${body}?`, secrets.headers(), 400);
  for (const transport of TRANSPORTS) {
    const client = createClient(AnalyticsService, transport(url));
    const headers = () => ({ headers: secrets.headers() });
    await client.ingestEvent(EVENT, headers());
    await client.ingestEvent({ ...EVENT, userId: "known" }, headers());
    await client.ingestEvents({ events: [EVENT] }, headers());
    await expect(client.ingestEvent({ ...EVENT, ...secrets.fields() }, headers())).rejects.toThrow(
      "may be stated only by senders on the server's own machine",
    );
  }
}

async function post(url: string, body: string, headers: Record<string, string>, status: number) {
  expect((await fetch(`${url}/event`, { method: "POST", headers, body })).status).toBe(status);
}

/** All files below a directory, by their paths. */
function filesIn(directory: string): ReadonlyMap<string, Buffer> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  expect(files.length).toBeGreaterThan(2);
  return new Map(
    files.map(({ parentPath, name }) => [join(parentPath, name), readFileSync(join(parentPath, name))]),
  );
}

function expectNone(files: ReadonlyMap<string, Buffer>, { all }: Pick<Secrets, "all">): void {
  const found: string[] = [];
  for (const [name, bytes] of files) {
    for (const secret of all) if (bytes.includes(secret)) found.push(`${secret} in ${name}`);
  }
  expect(found).toEqual([]);
}
