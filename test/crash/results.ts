// The results of a run: JSON lines, appended round by round, so that a run that was broken off can be gone on with.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Finding } from "./checks.ts";
import { KILL_KINDS, type KillKind, type Plan } from "./plan.ts";

export interface RoundResult {
  readonly round: number;
  readonly plan: Plan;
  readonly kills: number;
  /** Events that were acknowledged for the first time in this round. */
  readonly acknowledged: number;
  /** Writes that the crash cut short, and the server found. */
  readonly torn: number;
  readonly findings: readonly Finding[];
  readonly directory: string;
  readonly ms: number;
}

type Line = { readonly type: "run"; readonly seed: number } | ({ readonly type: "round" } & RoundResult);

/** A run as far as it has come. */
export interface Results {
  readonly seed: number;
  readonly rounds: readonly RoundResult[];
  add(result: RoundResult): void;
}

/** Goes on with the run in `file`, or begins one there with `seed`. */
export function openResults(file: string, seed: number): Results {
  const lines = existsSync(file) ? readLines(file) : [];
  const append = (line: Line) => appendFileSync(file, `${JSON.stringify(line)}\n`);
  const run = lines.find((line) => line.type === "run");
  if (!run) append({ type: "run", seed });
  const rounds: RoundResult[] = lines.filter((line) => line.type === "round");
  return {
    seed: run?.seed ?? seed,
    rounds,
    add: (result) => {
      append({ type: "round", ...result });
      rounds.push(result);
    },
  };
}

/** Cuts off a line that was being written when the run was killed: its round is played again. */
function readLines(file: string): Line[] {
  const text = readFileSync(file, "utf8");
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole !== text) writeFileSync(file, whole);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line): Line => JSON.parse(line));
}

/** One line on all of it. */
export function summaryOf(rounds: readonly RoundResult[]): string {
  const sum = (of: (result: RoundResult) => number) =>
    rounds.reduce((total, result) => total + of(result), 0);
  const findings = rounds.flatMap((result) => result.findings);
  const count = (...kinds: Finding["kind"][]) => findings.filter(({ kind }) => kinds.includes(kind)).length;
  const killsOf = (kind: KillKind) => sum(({ plan, kills }) => (plan.kind === kind ? kills : 0));
  return [
    `${rounds.length} rounds`,
    `${sum(({ kills }) => kills)} kills (${KILL_KINDS.map((kind) => `${kind} ${killsOf(kind)}`).join(", ")})`,
    `${sum(({ acknowledged }) => acknowledged)} events acknowledged`,
    `${count("lost")} lost`,
    `${count("doubled")} doubled`,
    `${count("invented")} invented`,
    `${count("disorder", "statistics", "tables", "server")} other findings`,
    `${sum(({ torn }) => torn)} torn writes found`,
  ].join("; ");
}
