// Disks that are full or fail under a real server: what was acknowledged is in the log, what does not fit is refused
// with the reason, statistics are served on, and with room again events are taken again by themselves.

import { spawn, spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { needsCommand } from "../needs.ts";
import { temporaryDirectory } from "../temporary.ts";
import { footfall, Server, spawnServer, until } from "./server.ts";

const MIB = 1024 * 1024;
/** What is left beside the filler is more than a log needs to be opened, so that it fills up while the server runs. */
const DISK_BYTES = 192 * MIB;
/** Whatever is in the log then, there is room for it in the database and its write-ahead log when this is gone. */
const FILLER_BYTES = 164 * MIB;
const BATCH_EVENTS = 100;

/** A file system of its own that is full after DISK_BYTES; undefined where this user may not make one. */
function smallDisk(): string | undefined {
  const directory = temporaryDirectory();
  const options = ["-t", "tmpfs", "-o", `size=${DISK_BYTES}`, "tmpfs", directory];
  if (spawnSync("mount", options).status !== 0) return undefined;
  onTestFinished(() => {
    spawnSync("umount", ["--lazy", directory]);
  });
  return directory;
}

interface Sent {
  readonly ids: readonly string[];
  readonly isAcknowledged: boolean;
}

/** Sends a batch of events of some 2 KB each. */
async function sendBatch(url: string, name: string): Promise<Sent> {
  const ids = Array.from({ length: BATCH_EVENTS }, (_, n) => `${name}-${n}`);
  const path = `/${"p".repeat(2000)}`;
  const events = ids.map((eventId) => ({ siteId: "s", eventType: "page_view", path, eventId }));
  const response = await fetch(`${url}/analytics.v1.AnalyticsService/IngestEvents`, {
    ...{ method: "POST", body: JSON.stringify({ events }) },
    headers: { "Content-Type": "application/json" },
  }).catch(() => undefined);
  await response?.text().catch(() => undefined);
  return { ids, isAcknowledged: response?.status === 200 };
}

/** Sends batches until one is not acknowledged; gives the ids of those that were. */
async function sendUntilRefused(url: string): Promise<string[]> {
  const acknowledged: string[] = [];
  for (let n = 0; ; n += 1) {
    const sent = await sendBatch(url, `batch-${n}`);
    if (!sent.isAcknowledged) return acknowledged;
    acknowledged.push(...sent.ids);
  }
}

async function health(url: string): Promise<{ code: number; status: unknown; reason: unknown }> {
  const response = await fetch(`${url}/health`);
  const { status, reason } = (await response.json()) as Record<string, unknown>;
  return { code: response.status, status, reason };
}

/** Asks for health until it is good and `isOver`; gives the reasons why it was not, in order. */
async function reasonsUntil(url: string, isOver: () => boolean): Promise<string[]> {
  const reasons = new Set<string>();
  await until("the failed process was replaced", async () => {
    const shown = await health(url).catch(() => undefined);
    if (shown?.code === 503) reasons.add(String(shown.reason));
    return (shown?.code === 200 && isOver()) || undefined;
  });
  return [...reasons];
}

/** The ids of the events in the log. */
async function idsInLog(data: string): Promise<Set<string>> {
  const { code, stdout } = await footfall(["log", "cat", "--data", data]);
  expect(code).toBe(0);
  return new Set(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).event_id),
  );
}

test("a disk that fills up: nothing acknowledged is lost, all else is served, and with room it goes on", async ({
  skip,
}) => {
  const disk = smallDisk();
  // Also where all else must be there: what runs the tests in a container may lack the right.
  skip(disk === undefined, "this user may not mount a file system");
  const data = join(disk ?? "", "data");
  const filler = join(disk ?? "", "filler");
  writeFileSync(filler, Buffer.alloc(FILLER_BYTES));
  const server = await Server.start(data);
  const acknowledged = await sendUntilRefused(server.url);
  expect(acknowledged.length).toBeGreaterThan(1000);

  const refused = await until("the server says why it refuses", async () => {
    const shown = await health(server.url).catch(() => undefined);
    return String(shown?.reason).includes("cannot be opened: no room") ? shown : undefined;
  });
  const reason = "the event log cannot be opened: no room for the log: less than 16 MiB are free";
  expect(refused).toEqual({ code: 503, status: "unavailable", reason });
  expect((await sendBatch(server.url, "refused")).isAcknowledged).toBe(false);
  const stats = await fetch(`${server.url}/stats?site_id=s`);
  expect({ code: stats.status, body: await stats.json() }).toMatchObject({
    code: 200,
    body: { site_id: "s" },
  });
  const stored = await idsInLog(data);
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);

  rmSync(filler);
  await until(
    "events are taken again",
    async () => {
      const { isAcknowledged } = await sendBatch(server.url, "after");
      return isAcknowledged || undefined;
    },
    60_000,
  );
  await server.caughtUp();
  expect(await server.getJson("/stats?site_id=s")).toMatchObject({
    total_views: (await idsInLog(data)).size,
  });
  expect((await health(server.url)).status).toBe("healthy");
  expect(await server.stop()).toMatchObject({ code: 0 });
});

test("a log that may not grow: nothing acknowledged is lost, and the reason is said", async () => {
  const data = temporaryDirectory();
  const { url } = await startLimited(data, 8 * MIB);
  let isRefused = false;
  const reasons = reasonsUntil(url, () => isRefused);
  const acknowledged = await sendUntilRefused(url);
  isRefused = true;
  expect(await reasons).toContain("writing the log failed: EFBIG: file too large, write");
  expect(acknowledged.length).toBeGreaterThan(1000);
  expect((await fetch(`${url}/stats?site_id=s`)).status).toBe(200);
  const stored = await idsInLog(data);
  expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
});

/** A server that may write no file further than `bytes`: beyond, a write fails. It is killed at the end. */
async function startLimited(data: string, bytes: number): Promise<{ url: string }> {
  const main = join(import.meta.dirname, "../../src/main.ts");
  // The signal would end the process before its write could fail.
  const script = `trap "" XFSZ; ulimit -f ${bytes / 1024}; exec "$@"`;
  const serve = [process.execPath, main, "serve", "--data", data, "--port", "0"];
  return spawnServer("bash", ["-c", script, "bash", ...serve]);
}

test("a sync that fails is the last one of its process: all acknowledged is in the log, and the next one goes on", async ({
  skip,
}) => {
  needsCommand(skip, "strace", "-V");
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const api = await until("there is an api", () => server.child("api"));
  const trace = join(temporaryDirectory(), "trace");
  const isTraced = await failSyncs(api, trace);
  skip(!isTraced, "this user may not trace processes");

  const acknowledged: string[] = [];
  const answers: number[] = [];
  const send = async (sender: number) => {
    for (let n = 0; ; n += 1) {
      const id = `${sender}-${n}`;
      const body = JSON.stringify({ site_id: "s", event_type: "page_view", event_id: id });
      const { status } = await fetch(`${server.url}/event`, { method: "POST", body });
      if (status !== 200) return answers.push(status);
      acknowledged.push(id);
    }
  };
  const failing = reasonsUntil(server.url, () => server.child("api") !== api);
  await Promise.all([0, 1, 2, 3].map(send));

  expect(answers).toEqual([503, 503, 503, 503]);
  expect(await failing).toContain("writing the log failed: EIO: i/o error, fdatasync");
  const syncs = readFileSync(trace, "utf8").match(/fdatasync.*= .*/g) ?? [];
  expect(syncs.filter((line) => line.includes("(INJECTED)"))).toEqual(syncs.slice(-1));
  expect(acknowledged.length).toBeGreaterThan(0);
  expect((await sendBatch(server.url, "after")).isAcknowledged).toBe(true);
  const stored = await idsInLog(data);
  expect([...acknowledged, "after-0"].filter((id) => !stored.has(id))).toEqual([]);
});

/** Makes the syncs of a process fail from the twentieth of a thread on. False when the process may not be traced. */
async function failSyncs(pid: number, trace: string): Promise<boolean> {
  const inject = "inject=fdatasync:error=EIO:when=20+";
  const strace = spawn("strace", ["-f", "-p", `${pid}`, "-o", trace, "-e", "trace=fdatasync", "-e", inject]);
  onTestFinished(() => {
    strace.kill("SIGKILL");
  });
  let said = "";
  strace.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  return until("strace has attached itself", () => {
    if (said.includes("attached")) return true;
    return strace.exitCode === null ? undefined : false;
  });
}
