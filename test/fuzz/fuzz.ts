// Sends a server what no client should send, connection by connection, and looks after each slice of them whether it
// is still well: the same process, answering at once, with no connection left, no error logged and no memory kept.
// In the end, all that it has acknowledged is in its log.

import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { nodeLogFiles } from "../../src/log/files.ts";
import { readFromStart } from "../../src/log/reader.ts";
import { decodeRecords, eventIdOf } from "../../src/log/records.ts";
import { type Server, until } from "../server-process.ts";
import { Random } from "./random.ts";
import { type Acknowledged, callSome, sampleMessages } from "./rpc.ts";
import { brokenRequest, frames, garbage, sendRaw } from "./wire.ts";

/** Connections between two looks at the server. */
const SLICE = 100;
/** How many of them there are at a time. */
const AT_A_TIME = 16;
/** Health answers within this, in ms, on a busy machine too. */
const HEALTH_MS = 2000;
/** A request of ours has its answer within this, in ms. */
const ANSWER_MS = 30_000;
/** After this part of the run, what the server has in memory should not grow any more. */
const WARM_UP = 0.3;
/** Space that V8 takes and gives back as it likes, in bytes. */
const MEMORY_BOUND = 64 * 1024 * 1024;

export interface FuzzOptions {
  readonly server: Server;
  /** The server's data directory. */
  readonly data: string;
  readonly connections: number;
  readonly seed: number;
  readonly onProgress?: (done: number, rssBytes: number) => void;
}

export interface FuzzReport {
  readonly connections: number;
  readonly acknowledged: number;
  readonly inLog: number;
  readonly warmRssBytes: number;
  /** The most that was seen after the warm-up. */
  readonly maxRssBytes: number;
  readonly slowestHealthMs: number;
}

/** Rejects with what is wrong when the server does not stand it. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const { server, data, connections, seed } = options;
  const pid = await until("there is an api", () => server.child("api"));
  const acknowledged: Acknowledged = { ids: new Set(), count: 0 };
  let [warmRssBytes, maxRssBytes, slowestHealthMs] = [0, 0, 0];
  for (let done = 0; done < connections; ) {
    const count = Math.min(SLICE, connections - done);
    await runSlice(options, seed + done, count, acknowledged).catch((error) => {
      throw new Error(`connection ${done} and the ${SLICE} behind it: ${error.message}\n${server.stderr}`);
    });
    done += count;
    slowestHealthMs = Math.max(slowestHealthMs, await expectWell(server, pid));
    const rss = rssOf(pid);
    if (done <= Math.max(SLICE, connections * WARM_UP)) warmRssBytes = Math.max(warmRssBytes, rss);
    maxRssBytes = Math.max(maxRssBytes, rss);
    if (maxRssBytes > warmRssBytes + MEMORY_BOUND) {
      throw new Error(
        `memory grows: ${maxRssBytes} bytes after ${done} connections, ${warmRssBytes} when warm`,
      );
    }
    options.onProgress?.(done, rss);
  }
  const inLog = await expectStored(data, acknowledged);
  const total = acknowledged.ids.size + acknowledged.count;
  return { connections, acknowledged: total, inLog, warmRssBytes, maxRssBytes, slowestHealthMs };
}

async function runSlice(
  { server }: FuzzOptions,
  seed: number,
  count: number,
  acknowledged: Acknowledged,
): Promise<void> {
  const messages = sampleMessages(seed);
  let started = 0;
  const worker = async () => {
    while (started < count) {
      const number = seed + started;
      started += 1;
      const random = new Random(number);
      const kind = random.below(10);
      if (kind < 2) await sendRaw(server.port, garbage(random), random);
      else if (kind < 4) await sendRaw(server.port, brokenRequest(random), random);
      else if (kind < 6) await sendRaw(server.port, frames(random), random);
      else if (kind < 9) await callSome(server.url, messages, random, acknowledged);
      else await sendGood(server, `good-${number}`, acknowledged);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, worker));
}

/** An event like any other: amid all this it must be taken. */
async function sendGood({ url }: Server, id: string, acknowledged: Acknowledged): Promise<void> {
  const body = JSON.stringify({ site_id: "fuzz", event_type: "page_view", event_id: id });
  const { status } = await request("POST", `${url}/event`, body);
  if (status !== 200) throw new Error(`a good event was answered with ${status}`);
  acknowledged.ids.add(id);
}

/** Throws unless the server is well; gives how long health took, in ms. */
async function expectWell(server: Server, pid: number): Promise<number> {
  if (server.child("api") !== pid) throw new Error(`the api process has ended:\n${server.stderr}`);
  const startedAt = performance.now();
  const { status, body } = await request("GET", `${server.url}/health`);
  const healthMs = performance.now() - startedAt;
  if (status !== 200 || healthMs > HEALTH_MS)
    throw new Error(`health: ${status} after ${healthMs} ms: ${body}`);
  await until("no connection is left", () => connectionsTo(server.port) === 0 || undefined, 5000);
  const errors = server.stderr.split("\n").filter((line) => /"level":[56]0/.test(line));
  if (errors.length > 0) throw new Error(`errors were logged:\n${errors.join("\n")}`);
  return healthMs;
}

/** On a connection of its own. */
function request(method: string, url: string, body = ""): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = http.request(url, { method, agent: false, headers: { Connection: "close" } }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on("error", reject);
    });
    sent.on("error", reject);
    sent.setTimeout(ANSWER_MS, () => sent.destroy(new Error(`${method} ${url} was not answered`)));
    sent.end(body);
  });
}

/** Connections that the server has not closed: /proc/net/tcp, "established" (01) and "close wait" (08). */
function connectionsTo(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, from = "", , state = ""]) => from.endsWith(local) && (state === "01" || state === "08"))
    .length;
}

function rssOf(pid: number): number {
  return 1024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

/** Throws unless all that was acknowledged is in the log; gives how many events that has. */
async function expectStored(data: string, { ids, count }: Acknowledged): Promise<number> {
  const reader = await readFromStart(await nodeLogFiles(join(data, "log")));
  const missing = new Set(ids);
  let inLog = 0;
  for (let next = await reader?.next(); next; next = await reader?.next()) {
    for (const { record } of decodeRecords(next.frame)) {
      inLog += 1;
      if (record.case === "event") missing.delete(eventIdOf(record.value));
    }
  }
  await reader?.close();
  if (missing.size > 0) throw new Error(`acknowledged and not in the log: ${[...missing].join(", ")}`);
  if (inLog < ids.size + count)
    throw new Error(`${ids.size + count} were acknowledged, ${inLog} are in the log`);
  return inLog;
}
