// `npm run crash -- --rounds 500`: kills a real server under load, again and again, and checks what is left each time.
// With the file of results of a run that was broken off, it goes on with the next round, in a new data directory.

import { mkdtempSync, readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { openResults, type RoundResult, summaryOf } from "./results.ts";
import { runRounds } from "./rounds.ts";

const program = new Command("crash")
  .description("Kills a server under load, again and again, and checks what is left.")
  .option("--rounds <number>", "how many rounds", wholeNumber, 25)
  .option("--seed <number>", "which rounds", wholeNumber, Date.now() % 2 ** 31)
  .option("--results <file>", "JSON lines; those of a run that was broken off are gone on with")
  .parse();
const { rounds, ...options } = program.opts<{ rounds: number; seed: number; results?: string }>();

const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => stopped.abort());

const directory = mkdtempSync(join(tmpdir(), "footfall-crash-"));
const file = options.results ?? join(directory, "crash-results.jsonl");
const results = openResults(file, options.seed);
console.log(`${rounds} rounds, ${results.rounds.length} of them done; seed ${results.seed}`);
console.log(`directory ${directory}; results in ${file}`);
try {
  await runRounds({ rounds, results, directory, signal: stopped.signal, onRound: print });
} catch (error) {
  if (!stopped.signal.aborted) throw error;
  console.log("broken off: the same --results goes on from here");
}
if (readdirSync(directory).length === 0) rmdirSync(directory);
console.log(summaryOf(results.rounds));
const isGood =
  results.rounds.length >= rounds && results.rounds.every(({ findings }) => findings.length === 0);
process.exit(isGood ? 0 : 1);

function print({ round, plan, kills, acknowledged, torn, findings, directory: kept, ms }: RoundResult): void {
  const outcome = findings.length === 0 ? "good" : `${findings.length} findings, kept in ${kept}`;
  const times = `${plan.isInWrite ? " in a large write" : ""}${kills > 1 ? ` ${kills}×` : ""}`;
  console.log(
    `round ${round}: ${plan.kind}${times}, ${acknowledged} events, ${torn} torn, ${ms} ms: ${outcome}`,
  );
  for (const { kind, what } of findings.slice(0, 5)) console.log(`  ${kind}: ${what.slice(0, 1000)}`);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It must be a whole number.");
  return Number(text);
}
