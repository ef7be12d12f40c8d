// A long run of mixed load on a real server, with constant questions: memory must stay flat, the write-ahead log bounded,
// nothing may fail, and at the end every acknowledged event must count.
//
//   npm run soak -- --minutes 30 --results soak.jsonl
//
// It writes a line of figures every ten seconds, so that a run that was broken off has told what it saw.

import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { pause } from "../../src/pause.ts";
import { Server } from "../server-process.ts";
import { type SoakLoad, startSoakLoad } from "./load.ts";
import { type Sample, verdict } from "./verdict.ts";

const SAMPLE_MS = 10_000;
/** With more to fold than this, senders wait: the rate is then the one that the machine holds. */
const MAX_BACKLOG = 100_000;
const BACKLOG_CHECK_MS = 250;

const program = new Command("soak")
  .option("--minutes <number>", "how long", Number, 30)
  .option("--seed <number>", "of the events", Number, 1)
  .option("--results <file>", "JSON lines", "soak.jsonl")
  .parse();
const { minutes, seed, results } = program.opts<{ minutes: number; seed: number; results: string }>();

const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => interrupt.abort());
const cleanUps: (() => void | Promise<void>)[] = [];
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
}

async function soak(): Promise<boolean> {
  const data = mkdtempSync(join(tmpdir(), "footfall-soak-"));
  cleanUps.push(() => rmSync(data, { recursive: true, force: true }));
  const server = await Server.start(data, ["--port", "0", "--log-level", "warn"], (end) =>
    cleanUps.push(end),
  );
  const load = startSoakLoad(server.url, seed);
  const samples: Sample[] = [];
  const endAt = performance.now() + minutes * 60_000;
  let nextSampleAt = performance.now() + SAMPLE_MS;
  while (performance.now() < endAt && !interrupt.signal.aborted) {
    await pause(BACKLOG_CHECK_MS, interrupt.signal);
    const health = await server.getJson("/health");
    load.isHeldBack = Number(health.queue_size) > MAX_BACKLOG;
    if (performance.now() < nextSampleAt) continue;
    nextSampleAt += SAMPLE_MS;
    const sample = sampleOf(server, data, load, health);
    samples.push(sample);
    appendFileSync(results, `${JSON.stringify(sample)}\n`);
  }
  await load.stop();
  await server.caughtUp();
  const counted = new Map<string, number>();
  for (const site of load.acknowledged.keys()) {
    counted.set(site, Number((await server.getJson(`/stats?site_id=${site}`)).total_views));
  }
  const { code } = await server.stop();
  const { acknowledged, errors, overloads } = load;
  const outcome = verdict({
    samples,
    acknowledged,
    counted,
    errors,
    overloads,
    exitCode: code,
    log: server.stderr,
  });
  appendFileSync(results, `${JSON.stringify(outcome)}\n`);
  process.stdout.write(`${JSON.stringify(outcome, null, 2)}\n`);
  return outcome.problems.length === 0;
}

function sampleOf(
  server: Server,
  data: string,
  load: SoakLoad,
  health: Readonly<Record<string, unknown>>,
): Sample {
  const latencies = load.takeLatencies().sort((a, b) => a - b);
  const bytesOf = (pattern: RegExp) =>
    readdirSync(data)
      .filter((name) => pattern.test(name))
      .reduce((sum, name) => sum + statSync(join(data, name)).size, 0);
  return {
    at: new Date().toISOString(),
    acknowledged: [...load.acknowledged.values()].reduce((sum, count) => sum + count, 0),
    backlog: Number(health.queue_size),
    lagMs: Number(health.lag_ms),
    walMb: bytesOf(/^analytics-\d+\.db-wal$/) / 1e6,
    databaseMb: bytesOf(/^analytics-\d+\.db$/) / 1e6,
    statsP50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? 0,
    statsP99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? 0,
    rssMb: {
      supervisor: rssMb(server.pid),
      api: rssMb(server.child("api")),
      projector: rssMb(server.child("projector")),
    },
  };
}

function rssMb(pid: number | undefined): number {
  if (pid === undefined) return 0;
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kib) * 1024) / 1e6;
}
