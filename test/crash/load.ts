// A modest load by every way at once. Events with an id are sent again until they are acknowledged, and now and then
// once more; those without one are sent once.

import { Code, ConnectError } from "@connectrpc/connect";
import { pause } from "../../src/pause.ts";
import type { Ledger, SentEvent } from "./ledger.ts";
import { type Random, randomFrom } from "./random.ts";
import { openWays, Refused, type Way } from "./ways.ts";

/** Before the next attempt, in ms. */
const RETRY_MS = 25;
const WITH_ID = 0.6;
/** Of what was acknowledged, how much is sent once more: as by a sender that did not hear the answer. */
const SENT_AGAIN = 0.05;
const PATHS = 10;
const USERS = 50;
/** Of a path that is near the longest that is allowed, 2,048 bytes. */
const BULKY_PREFIX = "/bulk".repeat(390);
/** Long past, as the future is refused; an event without a time gets the one of its receipt. */
const TIMES = ["2024-02-28T23:59:59Z", "2024-02-29T00:00:00.250Z", "2024-03-01T12:00:00Z", ""] as const;

export interface Load {
  /** Sends that were acknowledged so far, by each way. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** What no server may answer: requests that hung, and good events that were refused. */
  readonly faults: readonly string[];
  /** Sends so many events in one request, which gives a frame of some 2 KB for each. */
  sendLarge(events: number): void;
  /** Sends nothing new any more; resolves when each sender is done with what it had begun. */
  stop(): Promise<void>;
}

/** `round` goes into the markers; all else about the events comes from the seed. Aborting ends it at once. */
export function startLoad(
  url: string,
  seed: number,
  round: number,
  ledger: Ledger,
  abort: AbortSignal,
): Load {
  const ways = openWays(url);
  const acknowledged = new Map(ways.all.map(({ name }) => [name, 0]));
  const faults: string[] = [];
  let isStopped = false;

  /** Resolves to whether all of the events were acknowledged. */
  const attempt = async (way: Way, events: readonly SentEvent[]): Promise<boolean> => {
    ledger.sending(events);
    try {
      const count = await way.send(events, abort);
      ledger.acknowledge(events.slice(0, count));
      acknowledged.set(way.name, (acknowledged.get(way.name) ?? 0) + 1);
      return count === events.length;
    } catch (error) {
      if (isFault(error) && !abort.aborted) faults.push(`${way.name}: ${error}`);
      return false;
    }
  };

  /** Sends new events, until they are acknowledged if they have ids. */
  const send = async (way: Way, sender: number, firstNumber: number, count: number, random: Random) => {
    const hasId = random.chance(WITH_ID);
    const events = Array.from({ length: count }, (_, index) =>
      makeEvent(way, `m.${round}.${sender}.${firstNumber + index}`, hasId, random),
    );
    let isDone = await attempt(way, events);
    while (hasId && !isDone && !abort.aborted) {
      await pause(RETRY_MS, abort);
      isDone = await attempt(way, events);
    }
    if (hasId && random.chance(SENT_AGAIN)) await attempt(way, events);
  };

  const run = async (way: Way, sender: number) => {
    const random = randomFrom(seed, round, sender);
    for (let number = 0; !isStopped && !abort.aborted; ) {
      const count = way.size(random);
      await send(way, sender, number, count, random);
      number += count;
      await pause(random.int(0, way.pauseMs), abort);
    }
  };

  const senders = ways.all.flatMap((way) => Array.from({ length: way.senders }, () => way));
  const runs = senders.map(run);
  return {
    acknowledged,
    faults,
    sendLarge: (events) => {
      const bulky = ways.all.find((way) => way.isBulky);
      const sender = runs.length;
      if (bulky) runs.push(send(bulky, sender, 0, events, randomFrom(seed, round, sender)));
    },
    stop: async () => {
      isStopped = true;
      try {
        await Promise.all(runs);
      } finally {
        ways.close();
      }
    },
  };
}

function makeEvent(way: Way, marker: string, hasId: boolean, random: Random): SentEvent {
  const page = `${way.isBulky ? BULKY_PREFIX : ""}/page/${random.int(1, PATHS)}`;
  // The marker makes a path or a user that is the only one; the other of the two is shared by many events.
  // Long paths are few: the tables have each one several times.
  const isUser = way.isBulky || random.chance(1 / 2);
  return {
    marker,
    siteId: `by-${way.name}`,
    eventType: random.chance(0.8) ? "page_view" : "click",
    path: isUser ? page : `${page}/${marker}`,
    userId: isUser ? marker : `u${random.int(1, USERS)}`,
    timestamp: random.pick(TIMES),
    eventId: hasId ? marker : "",
  };
}

/** Anything else is what crashes do to requests. An internal error with a cause is the client's: of its connection. */
function isFault(error: unknown): boolean {
  if (error instanceof Refused) return true;
  if (error instanceof DOMException && error.name === "TimeoutError") return true;
  if (!(error instanceof ConnectError)) return false;
  if (error.code === Code.Internal) return error.cause === undefined;
  return [Code.DeadlineExceeded, Code.InvalidArgument, Code.Unimplemented].includes(error.code);
}
