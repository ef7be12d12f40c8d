// A few of the rounds that `npm run crash` plays by the hundred: kills at random moments, and all checks after each.

import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openResults } from "../crash/results.ts";
import { runRounds } from "../crash/rounds.ts";
import { temporaryDirectory } from "../temporary.ts";

const ROUNDS = 25;
const TIMEOUT_MS = 300_000;

test(`kill -9 at ${ROUNDS} random moments: nothing is lost, doubled or invented`, {
  timeout: TIMEOUT_MS,
}, async () => {
  const directory = temporaryDirectory();
  // Another one each time: what failed is played again with `npm run crash -- --seed`.
  const seed = Date.now() % 2 ** 31;
  const results = openResults(join(directory, "results.jsonl"), seed);
  const ended = new AbortController();
  const running = runRounds({
    ...{ rounds: ROUNDS, results, directory, signal: ended.signal },
    onRound: (result) => expect({ ...result, seed }).toMatchObject({ seed, findings: [] }),
  });
  onTestFinished(async () => {
    ended.abort();
    await running.catch(() => {});
  });
  await running;
  expect(results.rounds).toHaveLength(ROUNDS);
});
