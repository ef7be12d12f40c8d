// What a round does to the server, from the seed and the round's number alone.

import { randomFrom } from "./random.ts";

/**
 * Who is killed. `server` is the supervisor with its children; `supervisor` it alone: its children notice and drain,
 * while the next one starts.
 */
export const KILL_KINDS = ["api", "projector", "both", "server", "supervisor"] as const;
export type KillKind = (typeof KILL_KINDS)[number];

export interface Plan {
  readonly kind: KillKind;
  /** From the moment when events are acknowledged to the kill, in ms. */
  readonly afterMs: number;
  /** The (first) kill waits for a large write to the log, and comes in the middle of it. */
  readonly isInWrite: boolean;
  /** When set, it is killed once more: so many ms after the processes are there again, so also while they recover. */
  readonly againAfterMs: number | undefined;
}

/** Starting takes some 300 ms on an idle machine, most of it before the log is opened; it is about done by then. */
const RECOVERY_MS = 700;
const MAX_WAIT_MS = 500;
/** One in so many rounds kills twice. */
const AGAIN = 1 / 4;
/** Of the rounds that kill the writer of the log. Left to chance, a kill would hit a write once in thousands of rounds. */
const IN_WRITE = 1 / 3;

export function planRound(seed: number, round: number): Plan {
  const random = randomFrom(seed, round);
  const kind = random.pick([
    ...(["api", "api", "api", "projector", "projector", "both", "both"] as const),
    ...(["server", "server", "server", "supervisor"] as const),
  ]);
  const afterMs = random.int(0, MAX_WAIT_MS);
  const isInWrite = random.chance(IN_WRITE) && kind !== "projector" && kind !== "supervisor";
  const againAfterMs = random.chance(AGAIN) ? random.int(0, RECOVERY_MS) : undefined;
  return { kind, afterMs, isInWrite, againAfterMs };
}
