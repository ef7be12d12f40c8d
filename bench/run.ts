// Runs the benchmarks that the command line names:
//
//   npm run bench                                   all of them
//   npm run bench -- import --json bench/results/import.json
//
// It prints each figure beside its limit. A missed goal is no error, as a busy machine misses it, too; a wrong count is.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Argument, Command, InvalidArgumentError } from "commander";
import { benchmarkBatch } from "./batch.ts";
import type { Benchmark, Figure, Settings } from "./benchmark.ts";
import { benchmarkCommit } from "./commit.ts";
import { benchmarkFold } from "./fold.ts";
import { benchmarkFresh } from "./fresh.ts";
import { benchmarkIdle } from "./idle.ts";
import { benchmarkImport } from "./import.ts";
import { benchmarkIngest } from "./ingest.ts";
import { benchmarkLatency } from "./latency.ts";
import { picture } from "./picture.ts";
import { canPin } from "./pinning.ts";
import { benchmarkQuery } from "./query.ts";
import { benchmarkStart } from "./start.ts";
import { table } from "./table.ts";

const BENCHMARKS: ReadonlyMap<string, Benchmark> = new Map([
  ["import", benchmarkImport],
  ["ingest", benchmarkIngest],
  ["batch", benchmarkBatch],
  ["latency", benchmarkLatency],
  ["fresh", benchmarkFresh],
  ["idle", benchmarkIdle],
  ["start", benchmarkStart],
  ["commit", benchmarkCommit],
  ["fold", benchmarkFold],
  ["query", benchmarkQuery],
]);

/** For one benchmark, in ms. */
const DEADLINE_MS = 30 * 60_000;

const names = [...BENCHMARKS.keys()];
const program = new Command("bench")
  .description("Measures Footfall on this machine.")
  .addArgument(new Argument("[names...]", "what to measure").choices(names).default(names, "all"))
  .option("--log <file>", "the access log that import repeats, plain or gzipped")
  .option("--lines <number>", "how many lines import imports", parseCount, 1_000_000)
  .option("--connections <number>", "how many single events are on their way at a time", parseCount, 64)
  .option("--rounds <number>", "how often each figure is measured", parseCount, 5)
  .option("--seconds <number>", "how long it is measured each time", parseCount, 2)
  .option("--events <number>", "how many events fold folds and query asks about", parseCount, 10_000_000)
  .option("--log-gb <number>", "the size of the log that start begins with", parseCount, 10)
  .option("--json <file>", "also write the figures here, such as bench/results/import.json")
  .option("--svg <file>", "also draw what ingest measured, such as docs/ingest.svg")
  .parse();
const { json, svg, ...settings } = program.opts<Settings & { json?: string; svg?: string }>();
const chosen: readonly string[] = program.processedArgs[0];

const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(name, () => interrupt.abort(new Error(`interrupted by ${name}`)));
}

const results: Record<string, readonly Figure[]> = {};
for (const name of chosen) {
  const benchmark = BENCHMARKS.get(name);
  if (benchmark === undefined || interrupt.signal.aborted) continue;
  try {
    const figures = await measure(name, benchmark);
    process.stdout.write(`\n${name}\n${table(figures)}\n`);
    results[name] = figures;
  } catch (error) {
    process.stderr.write(`${name}: ${explain(error)}\n`);
    process.exitCode = 1;
  }
}
if (json !== undefined) write(json, `${JSON.stringify({ ...machine(), settings, results }, null, 2)}\n`);
if (svg !== undefined && results.ingest) write(svg, picture(results.ingest, caption()));

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

function caption(): string {
  const { at, node, cpu } = machine();
  return `${at.slice(0, 10)}, server and generator with one core each of: ${cpu}, Node ${node}; medians`;
}

async function measure(name: string, benchmark: Benchmark): Promise<Figure[]> {
  await using cleanup = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "footfall-bench-"));
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }));
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error("it took too long")), DEADLINE_MS);
  cleanup.defer(() => clearTimeout(timer));
  const signal = AbortSignal.any([interrupt.signal, deadline.signal]);
  const note = (text: string) => process.stderr.write(`${name}: ${text}\n`);
  return await benchmark({ settings, directory, signal, cleanup, note });
}

/** That it was interrupted is told in a word; for all else it matters where it happened. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return (error !== interrupt.signal.reason && error.stack) || error.message;
}

function machine() {
  return {
    at: new Date().toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    isPinned: canPin,
  };
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number above 0.");
  return Number(text);
}
