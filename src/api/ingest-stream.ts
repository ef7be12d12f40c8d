// A client's stream of batches, stored as it comes and answered once.
//
// Invariants: the answer speaks of a prefix of the stream, all of which was handled: accepted and on disk, or rejected.
// No more than MAX_UNSTORED batches wait for the disk, so a fast sender is slowed down and memory stays bounded.

import { Code, ConnectError } from "@connectrpc/connect";
import type { IngestOutcome } from "../ingest/ingest.ts";

/** Enough to keep the disk busy while the next batch is read. */
const MAX_UNSTORED = 4;
/** How many rejected events the answer lists. */
const MAX_LISTED = 100;

interface StreamAnswer {
  acceptedCount: bigint;
  rejectedCount: bigint;
  rejected: { index: bigint; reason: string }[];
}

/**
 * Stores the batches of `requests` with `ingest`. When `drain` aborts, or a batch is refused after others were stored,
 * it answers with the prefix that is on disk; when nothing was stored it fails with the refusal. When `ingest` throws
 * instead of rejecting, no further batch is read and the stream fails with that.
 */
export async function ingestStream<Batch>(
  requests: AsyncIterable<Batch>,
  ingest: (batch: Batch) => Promise<IngestOutcome>,
  drain: AbortSignal,
): Promise<StreamAnswer> {
  const answer: StreamAnswer = { acceptedCount: 0n, rejectedCount: 0n, rejected: [] };
  const unstored: Promise<Settled>[] = [];
  const iterator = requests[Symbol.asyncIterator]();
  let refusal: unknown;
  let isOver = false;
  let stopWaiting = () => {};
  const onDrain = () => stopWaiting();
  drain.addEventListener("abort", onDrain);

  /** The next batch; undefined at the end, or on drain. A race with one promise for all would keep all batches alive. */
  const nextBatch = async () => {
    const next = Promise.withResolvers<IteratorResult<Batch> | undefined>();
    stopWaiting = () => next.resolve(undefined);
    iterator.next().then(next.resolve, next.reject);
    const result = await next.promise;
    return result?.done ? undefined : result?.value;
  };

  /** Waits for the oldest batch. Batches behind one that was refused are no part of the answer. */
  const settleOldest = async () => {
    const settled = await unstored.shift();
    if (!settled || isOver) return;
    if (settled.ok) count(answer, settled.outcome);
    else {
      refusal = settled.error;
      isOver = true;
    }
  };

  try {
    while (!isOver && !drain.aborted) {
      const batch = await nextBatch();
      if (!batch) break;
      unstored.push(settle(ingest(batch)));
      if (unstored.length === MAX_UNSTORED) await settleOldest();
    }
  } finally {
    drain.removeEventListener("abort", onDrain);
    while (unstored.length > 0) await settleOldest();
  }

  const handled = answer.acceptedCount + answer.rejectedCount;
  if (refusal !== undefined && (handled === 0n || !isPassing(refusal))) throw refusal;
  if (drain.aborted && handled === 0n) throw new ConnectError("the server is stopping", Code.Unavailable);
  return answer;
}

type Settled =
  | { readonly ok: true; readonly outcome: IngestOutcome }
  | { readonly ok: false; readonly error: unknown };

/** The outcome as a value: a batch may fail while nobody waits for it yet. */
async function settle(outcome: Promise<IngestOutcome>): Promise<Settled> {
  try {
    return { ok: true, outcome: await outcome };
  } catch (error) {
    return { ok: false, error };
  }
}

/** Whether sending the rest again later may succeed. */
function isPassing(error: unknown): boolean {
  return (
    error instanceof ConnectError &&
    (error.code === Code.Unavailable || error.code === Code.ResourceExhausted)
  );
}

function count(answer: StreamAnswer, { accepted, rejected }: IngestOutcome): void {
  const start = answer.acceptedCount + answer.rejectedCount;
  for (const { index, reason } of rejected.slice(0, MAX_LISTED - answer.rejected.length)) {
    answer.rejected.push({ index: start + BigInt(index), reason });
  }
  answer.acceptedCount += BigInt(accepted);
  answer.rejectedCount += BigInt(rejected.length);
}
