// As many events as the server takes, by every way at once, and questions without a pause. Nothing is kept of an event
// but its count, so that hours fit in memory.

import { pause } from "../../src/pause.ts";
import type { SentEvent } from "../crash/ledger.ts";
import { type Random, randomFrom } from "../crash/random.ts";
import { openWays, type Way } from "../crash/ways.ts";

const PATHS = 500;
const USERS = 5000;
const DAYS = 30;
/** How many events a batch or a stream has, and how many senders each way has. */
const BATCH_EVENTS = 200;
const SENDERS = 4;
/** Questions that are under way at any time. */
const ASKERS = 2;
/** A refusal that asks to come again is no error; this much later, in ms. */
const RETRY_MS = 100;

export interface SoakLoad {
  /** Acknowledged events, by site; each way has a site of its own. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** What went wrong, but for refusals for lack of room. */
  readonly errors: readonly string[];
  readonly overloads: number;
  /** How long the questions took since this was last called, in ms. */
  takeLatencies(): number[];
  /** Holds back new events, while the server has more to fold than it should. */
  isHeldBack: boolean;
  stop(): Promise<void>;
}

export function startSoakLoad(url: string, seed: number): SoakLoad {
  const ways = openWays(url);
  const acknowledged = new Map<string, number>();
  const errors: string[] = [];
  const abort = new AbortController();
  let latencies: number[] = [];
  let isStopped = false;
  const load = {
    acknowledged,
    errors,
    overloads: 0,
    isHeldBack: false,
    takeLatencies: () => {
      const taken = latencies;
      latencies = [];
      return taken;
    },
    stop: async () => {
      isStopped = true;
      await Promise.all(running);
      ways.close();
    },
  };

  const send = async (way: Way, sender: number) => {
    const random = randomFrom(seed, sender);
    const siteId = `soak-${way.name}`;
    const isBatch = way.size(random) > 1;
    for (let number = 0; !isStopped; number += BATCH_EVENTS) {
      while (load.isHeldBack && !isStopped) await pause(RETRY_MS);
      const events = Array.from({ length: isBatch ? BATCH_EVENTS : 1 }, (_, n) =>
        makeEvent(siteId, `${sender}-${number + n}`, random),
      );
      try {
        const count = await way.send(events, abort.signal);
        acknowledged.set(siteId, (acknowledged.get(siteId) ?? 0) + count);
      } catch (error) {
        if (!/resource_exhausted|^Error: 503/.test(String(error))) errors.push(`${way.name}: ${error}`);
        load.overloads += 1;
        await pause(RETRY_MS);
      }
    }
  };
  const ask = async (asker: number) => {
    const random = randomFrom(seed, 1000 + asker);
    while (!isStopped) {
      const way = ways.all[random.int(0, ways.all.length - 1)];
      const startedAt = performance.now();
      const response = await fetch(`${url}/stats?site_id=soak-${way?.name}`).catch((error: unknown) => error);
      if (!(response instanceof Response) || response.status !== 200) errors.push(`stats: ${response}`);
      else await response.text();
      latencies.push(performance.now() - startedAt);
    }
  };
  const senders = ways.all.flatMap((way) => Array.from({ length: SENDERS }, () => way));
  const running = [...senders.map(send), ...Array.from({ length: ASKERS }, (_, asker) => ask(asker))];
  return load;
}

function makeEvent(siteId: string, marker: string, random: Random): SentEvent {
  // The square makes low numbers frequent.
  const path = Math.floor((random.int(0, 999_999) / 1_000_000) ** 2 * PATHS);
  return {
    marker,
    siteId,
    eventType: "page_view",
    path: `/page/${path}`,
    userId: `user-${random.int(0, USERS - 1)}`,
    timestamp: new Date(Date.now() - random.int(0, DAYS) * 86_400_000).toISOString(),
    eventId: random.chance(0.5) ? `${Date.now().toString(36)}-${marker}` : "",
  };
}
