import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../temporary.ts";
import { planRound } from "./plan.ts";
import { openResults, type RoundResult, summaryOf } from "./results.ts";

const ROUND: RoundResult = {
  round: 1,
  plan: { kind: "both", afterMs: 5, isInWrite: false, againAfterMs: 7 },
  kills: 2,
  acknowledged: 100,
  torn: 1,
  findings: [{ kind: "lost", what: "m.1.2.3" }],
  directory: "d",
  ms: 3000,
};

test("a run is gone on with by its file: its seed, and the rounds that are done", () => {
  const file = join(temporaryDirectory(), "results.jsonl");
  openResults(file, 42).add(ROUND);
  const results = openResults(file, 43);
  expect(results.seed).toBe(42);
  expect(results.rounds).toMatchObject([ROUND]);
});

test("a round whose result was half written is played again", () => {
  const file = join(temporaryDirectory(), "results.jsonl");
  openResults(file, 42).add(ROUND);
  appendFileSync(file, '{"type":"round","rou');
  const results = openResults(file, 43);
  results.add({ ...ROUND, round: 2 });
  expect(openResults(file, 44).rounds.map(({ round }) => round)).toEqual([1, 2]);
});

test("the summary adds all rounds up", () => {
  const second: RoundResult = {
    ...ROUND,
    plan: { ...ROUND.plan, kind: "api" },
    kills: 1,
    torn: 0,
    findings: [],
  };
  expect(summaryOf([ROUND, second])).toBe(
    "2 rounds; 3 kills (api 1, projector 0, both 2, server 0, supervisor 0); 200 events acknowledged; " +
      "1 lost; 0 doubled; 0 invented; 0 other findings; 1 torn writes found",
  );
});

test("a seed gives the same plan for a round, and others for other rounds", () => {
  expect(planRound(1, 2)).toEqual(planRound(1, 2));
  const plans = Array.from({ length: 200 }, (_, round) => planRound(1, round));
  expect(new Set(plans.map(({ kind }) => kind)).size).toBe(5);
  expect(new Set(plans.map(({ afterMs }) => afterMs)).size).toBeGreaterThan(100);
});
