// Backups of a server under load, restored; and the log pruned while the server runs.

import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../temporary.ts";
import { startLoad } from "./load.ts";
import { footfall, Server, until } from "./server.ts";

const TIMEOUT_MS = 120_000;

/** Sends events until more than `count` are acknowledged; the ids of those that are. */
async function takeIn(server: Server, site: string, count: number): Promise<ReadonlySet<string>> {
  const load = startLoad(server.url, site);
  await until("there are events", () => load.acknowledged.size > count || undefined);
  await load.stop();
  return load.acknowledged;
}

test("a backup of a busy server is consistent, and restores to all that was acknowledged before it", {
  timeout: TIMEOUT_MS,
}, async () => {
  const data = temporaryDirectory();
  const target = join(temporaryDirectory(), "backup");
  const server = await Server.start(data);
  writeFileSync(join(data, "import.key"), "k".repeat(32));
  chmodSync(join(data, "import.key"), 0o600);
  const load = startLoad(server.url, "s");
  await until("the load is under way", () => load.acknowledged.size > 3000 || undefined);
  const before = load.acknowledged.size;
  const made = await footfall(["backup", target, "--data", data]);
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining("has the log up to offset") });
  await load.stop();
  expect(load.failures).toBe(0);
  expect(statSync(join(target, "import.key")).mode & 0o777).toBe(0o600);
  expect(readdirSync(target).filter((name) => name.endsWith(".lock") || name.endsWith(".sock"))).toEqual([]);

  const restored = join(temporaryDirectory(), "restored");
  expect(await footfall(["restore", target, "--data", restored])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("verified"),
  });
  const second = await Server.start(restored);
  await second.caughtUp();
  const { total_views: views, unique_users: users } = await second.getJson("/stats?site_id=s");
  expect(users).toBe(views);
  expect(views).toBeGreaterThanOrEqual(before);
  expect(views).toBeLessThanOrEqual(load.acknowledged.size);
  // It goes on from there.
  const more = await takeIn(second, "more", 100);
  await second.caughtUp();
  expect(await second.getJson("/stats?site_id=more")).toMatchObject({ total_views: more.size });
});

test("a backup that was damaged is not restored, nor is one written over what is there", async () => {
  const data = temporaryDirectory();
  const target = join(temporaryDirectory(), "backup");
  const server = await Server.start(data);
  await takeIn(server, "s", 50);
  await server.stop();
  expect(await footfall(["backup", target, "--data", data])).toMatchObject({ code: 0 });
  expect(await footfall(["backup", target, "--data", data])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is not empty"),
  });
  expect(await footfall(["restore", target, "--data", data])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is not empty"),
  });
  const segment = join(target, "log", "00000000000000000000.log");
  const bytes = readFileSync(segment);
  bytes.writeUInt8(bytes.readUInt8(200) ^ 1, 200);
  writeFileSync(segment, bytes);
  const restored = join(temporaryDirectory(), "restored");
  const damaged = { code: 1, stderr: expect.stringContaining("the backup's log is damaged") };
  expect(await footfall(["restore", target, "--data", restored])).toMatchObject(damaged);
  truncateSync(segment, bytes.length - 1);
  expect(await footfall(["restore", target, "--data", restored])).toMatchObject(damaged);
  expect(existsSync(restored)).toBe(false);
  for (const name of [segment, join(target, "log", "durable")]) rmSync(name);
  expect(await footfall(["restore", target, "--data", restored])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("this is no whole backup"),
  });
  expect(await footfall(["restore", join(target, "log"), "--data", restored])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("is no backup"),
  });
});

test("of a damaged database the log is backed up all the same, and a server on it makes the statistics anew", async () => {
  const data = temporaryDirectory();
  const target = join(temporaryDirectory(), "backup");
  const server = await Server.start(data);
  const acknowledged = await takeIn(server, "s", 50);
  await server.caughtUp();
  await server.stop();
  for (const name of readdirSync(data).filter((entry) => entry.endsWith(".db-wal"))) rmSync(join(data, name));
  writeFileSync(join(data, "analytics.db"), "no database".repeat(1000));
  expect(await footfall(["backup", target, "--data", data])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("and no statistics"),
    stderr: expect.stringMatching(/^footfall: \S+ is damaged \(file is not a database\)/),
  });
  const restored = join(temporaryDirectory(), "restored");
  expect(await footfall(["restore", target, "--data", restored])).toMatchObject({ code: 0 });
  const second = await Server.start(restored);
  await second.caughtUp();
  expect(await second.getJson("/stats?site_id=s")).toMatchObject({ total_views: acknowledged.size });
});

test("a file where a directory is asked for is a mistake that is explained, without a stack", async () => {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  await server.stop();
  const file = join(data, "file");
  writeFileSync(file, "");
  const run = async (...args: string[]) => (await footfall([...args, "--data", data])).stderr;
  expect(await run("backup", file)).toMatch(/^footfall: \S+ is not a directory: name a directory .*\n$/);
  expect(await run("restore", file)).toMatch(/^footfall: \S+ is no backup: it has no log\n$/);
  expect(await run("log", "salvage", file)).toMatch(/^footfall: there is no directory \S+\n$/);
});

test("a backup of a stopped server has all that was acknowledged, also when its durable mark is old", {
  timeout: TIMEOUT_MS,
}, async () => {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  const mark = join(data, "log", "durable");
  const load = startLoad(server.url, "s");
  await until("there are events", () => load.acknowledged.size > 50 || undefined);
  const old = readFileSync(mark);
  const count = load.acknowledged.size;
  await until("there are more events", () => load.acknowledged.size > count + 100 || undefined);
  await load.stop();
  await server.caughtUp();
  await server.stop();
  writeFileSync(mark, old);
  const target = join(temporaryDirectory(), "backup");
  const events = load.acknowledged.size.toLocaleString("en");
  expect(await footfall(["backup", target, "--data", data])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`up to offset ${events} `),
  });
  const restored = join(temporaryDirectory(), "restored");
  expect(await footfall(["restore", target, "--data", restored])).toMatchObject({ code: 0 });
});

test("log prune explains itself, and refuses what makes no sense", async () => {
  const data = temporaryDirectory();
  const server = await Server.start(data);
  await takeIn(server, "s", 50);
  await server.caughtUp();
  const prune = (...flags: string[]) => footfall(["log", "prune", "--data", data, ...flags]);
  expect(await prune("--keep", "0")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("nothing to prune"),
  });
  expect(await prune("--before", "2025-02-30")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("YYYY-MM-DD"),
  });
  expect(await prune()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("--before DATE or --keep BYTES"),
  });
  await server.stop();
  expect(await prune("--keep", "0")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("nothing to prune"),
  });
});
