// One round: load, a kill at a random moment, recovery, more load, and then the checks.

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { pause } from "../../src/pause.ts";
import type { Server } from "../server-process.ts";
import {
  checkCounted,
  checkLog,
  checkOffsets,
  checkReceiptTimes,
  checkTotals,
  type Finding,
  type SiteTotals,
  totalsOf,
} from "./checks.ts";
import { type Load, startLoad } from "./load.ts";
import type { Plan } from "./plan.ts";
import type { Stage } from "./stage.ts";
import { countedEvents, foldAnew, logGrows, openTables, readLog } from "./stored.ts";
import { checkTables } from "./tables.ts";

/** Each way must be served so often again after the crash. */
const SENDS_AFTER = 2;
/** For restarts, retries and catching up on a busy machine, in ms. */
const PATIENCE_MS = 60_000;
/** A frame of some 3 MB; when the log grows by so many bytes at once, it is being written. No other frame is so large. */
const LARGE_EVENTS = 1500;
const LARGE_WRITE_BYTES = 128 * 1024;
/** For a large frame to be sent and to reach the log, in ms; then it is killed all the same. */
const LARGE_PATIENCE_MS = 500;

export interface RoundOptions {
  readonly stage: Stage;
  readonly plan: Plan;
  readonly seed: number;
  readonly round: number;
  readonly signal: AbortSignal;
}

/** Resolves to the number of kills, and to what is wrong. Rejects when the server did not come back. */
export async function playRound(options: RoundOptions): Promise<{ kills: number; findings: Finding[] }> {
  const { stage, plan, seed, round, signal } = options;
  await stage.server();
  const ended = new AbortController();
  const abort = AbortSignal.any([signal, ended.signal]);
  const load = startLoad(stage.url, seed, round, stage.ledger, abort);
  try {
    await stage.wait(
      "events are acknowledged",
      () => [...load.acknowledged.values()].some((sends) => sends > 0) || undefined,
    );
    await pause(plan.afterMs, signal);
    const moment = plan.isInWrite ? () => largeWrite(stage, load, signal) : async () => {};
    const kills = await stage.crash(plan.kind, moment, plan.againAfterMs);
    const server = await stage.server();
    await servedAgain(stage, load);
    await stage.within("what was sent is acknowledged", load.stop(), PATIENCE_MS);
    await stage.wait("the projector has caught up", () => hasCaughtUp(server), PATIENCE_MS);
    const findings = await checkAll(stage, server);
    const faults = load.faults.map((what): Finding => ({ kind: "server", what }));
    await stage.settle();
    return { kills, findings: [...findings, ...faults] };
  } finally {
    ended.abort();
    await load.stop();
  }
}

/** Has a large frame written; resolves in the middle of that. */
async function largeWrite({ data }: Stage, load: Load, signal: AbortSignal): Promise<void> {
  const grown = logGrows(data, LARGE_WRITE_BYTES, LARGE_PATIENCE_MS, signal);
  load.sendLarge(LARGE_EVENTS);
  await grown;
}

async function servedAgain(stage: Stage, load: Load): Promise<void> {
  const before = new Map(load.acknowledged);
  const isServed = ([name, sends]: [string, number]) => sends >= (before.get(name) ?? 0) + SENDS_AFTER;
  await stage.wait(
    "each way is served again",
    () => [...load.acknowledged].every(isServed) || undefined,
    PATIENCE_MS,
  );
}

async function hasCaughtUp(server: Server): Promise<true | undefined> {
  const health = await server.getJson("/health").catch(() => undefined);
  return health?.queue_size === 0 ? true : undefined;
}

async function checkAll({ data, directory, ledger }: Stage, server: Server): Promise<Finding[]> {
  const log = await readLog(data);
  const due = totalsOf(log);
  const live = openTables(join(data, "analytics.db"));
  const fold = mkdtempSync(join(directory, "fold-"));
  try {
    await foldAnew(data, join(fold, "fresh.db"));
    const fresh = openTables(join(fold, "fresh.db"));
    try {
      return [
        ...checkLog(ledger.entries, log),
        ...checkOffsets(log),
        ...checkReceiptTimes(log),
        ...checkCounted(ledger.entries, log, countedEvents(live)),
        ...checkTotals(due, await answeredTotals(server, [...due.keys()])),
        ...checkTables(live, fresh),
      ];
    } finally {
      fresh.close();
    }
  } finally {
    live.close();
    rmSync(fold, { recursive: true });
  }
}

async function answeredTotals(server: Server, sites: readonly string[]): Promise<Map<string, SiteTotals>> {
  const answers = new Map<string, SiteTotals>();
  for (const site of sites) {
    const { total_views, unique_users } = await server.getJson(`/stats?site_id=${site}`);
    answers.set(site, { views: Number(total_views), users: Number(unique_users) });
  }
  return answers;
}
