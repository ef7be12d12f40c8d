// Round after round, on a new data directory now and then: a log stays small enough to be checked whole after each one.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Finding } from "./checks.ts";
import { planRound } from "./plan.ts";
import type { Results, RoundResult } from "./results.ts";
import { playRound } from "./round.ts";
import { Stage } from "./stage.ts";
import { tornWrites } from "./stored.ts";

const ROUNDS_PER_DIRECTORY = 20;
/** A directory gets 50,000 events at most: the next round must fit in. */
const FULL_EVENTS = 45_000;

export interface RunOptions {
  /** How many rounds the run is to have, with those that `results` has already. */
  readonly rounds: number;
  readonly results: Results;
  /** Gets the data directories. One in which something was wrong is kept. */
  readonly directory: string;
  readonly signal: AbortSignal;
  readonly onRound: (result: RoundResult) => void;
}

/** Plays the rounds that are left. Rejects when `signal` aborts; no process is left behind, then or else. */
export async function runRounds(options: RunOptions): Promise<void> {
  const { rounds, results, directory, signal, onRound } = options;
  let stage: Stage | undefined;
  try {
    while (results.rounds.length < rounds) {
      const round = results.rounds.length + 1;
      stage ??= await openStage(join(directory, `from-${round}`), results.seed + round, signal);
      const result = await play(stage, results.seed, round, round === rounds, signal);
      results.add(result);
      onRound(result);
      if (result.findings.length === 0 && !isFull(stage)) continue;
      await stage.close();
      if (result.findings.length === 0) stage.remove();
      else keepFindings(stage, result.findings);
      stage = undefined;
    }
  } finally {
    await stage?.close();
    stage?.remove();
  }
}

function openStage(directory: string, seed: number, signal: AbortSignal): Promise<Stage> {
  mkdirSync(directory, { recursive: true });
  return Stage.open(directory, seed, signal);
}

function isFull({ rounds, ledger }: Stage): boolean {
  return rounds >= ROUNDS_PER_DIRECTORY || ledger.entries.size >= FULL_EVENTS;
}

async function play(
  stage: Stage,
  seed: number,
  round: number,
  isLast: boolean,
  signal: AbortSignal,
): Promise<RoundResult> {
  const startedAt = Date.now();
  const plan = planRound(seed, round);
  const before = { acknowledged: stage.ledger.acknowledged, torn: stage.torn };
  const findings: Finding[] = [];
  let kills = 0;
  stage.rounds += 1;
  try {
    const played = await playRound({ stage, plan, seed, round, signal });
    kills = played.kills;
    findings.push(...played.findings);
    if (isLast || isFull(stage)) await stage.stop();
  } catch (error) {
    signal.throwIfAborted();
    findings.push({ kind: "server", what: String(error) });
  }
  stage.torn = tornWrites(stage.data);
  return {
    ...{ round, plan, kills, findings },
    acknowledged: stage.ledger.acknowledged - before.acknowledged,
    torn: stage.torn - before.torn,
    directory: stage.directory,
    ms: Date.now() - startedAt,
  };
}

function keepFindings({ directory, stderr }: Stage, findings: readonly Finding[]): void {
  const lines = findings.map(({ kind, what }) => `${kind}: ${what}`);
  writeFileSync(join(directory, "findings.txt"), `${lines.join("\n")}\n\n${stderr}`);
}
