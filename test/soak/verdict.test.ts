import { expect, test } from "vitest";
import { type Sample, type SoakRun, verdict } from "./verdict.ts";

const sample = (n: number, change: Partial<Sample> = {}): Sample => ({
  at: new Date(10_000 * n).toISOString(),
  acknowledged: 1000 * n,
  ...{ backlog: 0, lagMs: 0, walMb: 30, databaseMb: 10, statsP50Ms: 1, statsP99Ms: 2 },
  rssMb: { supervisor: 50, api: 150, projector: 200 },
  ...change,
});
const run = (change: Partial<SoakRun> = {}): SoakRun => ({
  samples: Array.from({ length: 16 }, (_, n) => sample(n)),
  acknowledged: new Map([["s", 15_000]]),
  counted: new Map([["s", 15_000]]),
  ...{ errors: [], overloads: 0, exitCode: 0, log: "" },
  ...change,
});

test("a run without anything wrong has no problem", () => {
  expect(verdict(run())).toMatchObject({ problems: [], seconds: 150, eventsPerSecond: 100, peakWalMb: 30 });
});

test.for<[string, Partial<SoakRun>, RegExp]>([
  ["a lost event", { counted: new Map([["s", 14_999]]) }, /15000 acknowledged, 14999 counted/],
  ["a doubled event", { counted: new Map([["s", 15_001]]) }, /15000 acknowledged, 15001 counted/],
  ["an error", { errors: ["rest: ECONNRESET"] }, /ECONNRESET/],
  ["a line in the log", { log: "warning" }, /warning/],
  ["a bad end", { exitCode: 1 }, /exit code 1/],
  [
    "a large WAL",
    { samples: Array.from({ length: 16 }, (_, n) => sample(n, { walMb: 10 * n })) },
    /write-ahead log/,
  ],
  ["a short run", { samples: [sample(0)] }, /too short/],
  [
    "growing memory",
    {
      samples: Array.from({ length: 16 }, (_, n) =>
        sample(n, { rssMb: { supervisor: 50, api: 150 + 5 * n, projector: 200 } }),
      ),
    },
    /memory of api grew from 180 to 220/,
  ],
])("%s is told", (_case) => {
  const [, change, problem] = _case;
  expect(verdict(run(change)).problems).toEqual([expect.stringMatching(problem)]);
});
