import { getEventListeners } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { create } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type IngestEventStreamRequest,
  IngestEventStreamRequestSchema,
} from "../../gen/ts/analytics/v1/analytics_pb.ts";
import { ingestStream } from "../../src/api/ingest-stream.ts";
import type { IngestOutcome } from "../../src/ingest/ingest.ts";
import type { EventInput } from "../../src/ingest/validate.ts";
import { FakeIngest } from "./fakes.ts";

type IngestFunction = (batch: { readonly events: readonly EventInput[] }) => Promise<IngestOutcome>;

const noDrain = new AbortController().signal;
const valid = { siteId: "s", eventType: "page_view" };
const invalid = { siteId: "s" };
const refused = () => new ConnectError("full", Code.ResourceExhausted);

function message(
  ...events: { siteId: string; eventType?: string; eventId?: string }[]
): IngestEventStreamRequest {
  return create(IngestEventStreamRequestSchema, { events });
}

/** What was sent so far, then a client that sends no more and does not end. */
async function* thenStall(
  messages: Iterable<IngestEventStreamRequest>,
): AsyncGenerator<IngestEventStreamRequest> {
  yield* messages;
  await new Promise(() => {});
}

async function* stream(
  messages: Iterable<IngestEventStreamRequest>,
): AsyncGenerator<IngestEventStreamRequest> {
  yield* messages;
}

const ingestOf =
  (fake: FakeIngest): IngestFunction =>
  ({ events }) =>
    fake.ingest(events);

/** Stores with `fake`, but the calls of these numbers, from 0, are refused with an error. */
function refusingAt(fake: FakeIngest, errorOf: (call: number) => Error | undefined): IngestFunction {
  let calls = 0;
  return async ({ events }) => {
    const error = errorOf(calls);
    calls += 1;
    await turn();
    if (error) throw error;
    return fake.ingest(events);
  };
}

test("a stream is stored in order and counted", async () => {
  const fake = new FakeIngest();
  const messages = [
    message({ ...valid, eventId: "a" }, { ...valid, eventId: "b" }),
    message({ ...valid, eventId: "c" }),
  ];
  const answer = await ingestStream(stream(messages), ingestOf(fake), noDrain);
  expect(answer).toEqual({ acceptedCount: 3n, rejectedCount: 0n, rejected: [] });
  expect(fake.stored.map(({ eventId }) => eventId)).toEqual(["a", "b", "c"]);
});

test.each([
  ["no message", []],
  ["empty messages", [message(), message()]],
])("a stream of %s is answered with zeros", async (_, messages) => {
  const answer = await ingestStream(stream(messages), ingestOf(new FakeIngest()), noDrain);
  expect(answer).toEqual({ acceptedCount: 0n, rejectedCount: 0n, rejected: [] });
});

test("rejected events are named by their place in the whole stream", async () => {
  const messages = [message(valid, invalid), message(), message(invalid), message(valid, valid, invalid)];
  const answer = await ingestStream(stream(messages), ingestOf(new FakeIngest()), noDrain);
  const reason = "Missing required field: event_type";
  expect(answer).toEqual({
    acceptedCount: 3n,
    rejectedCount: 3n,
    rejected: [1n, 2n, 5n].map((index) => ({ index, reason })),
  });
});

test("the first 100 rejected events are listed, and all are counted", async () => {
  const messages = Array.from({ length: 7 }, () => message(...Array.from({ length: 30 }, () => invalid)));
  const answer = await ingestStream(stream(messages), ingestOf(new FakeIngest()), noDrain);
  expect(answer).toMatchObject({ acceptedCount: 0n, rejectedCount: 210n });
  expect(answer.rejected.map(({ index }) => index)).toEqual(
    Array.from({ length: 100 }, (_, at) => BigInt(at)),
  );
});

test("a drain answers with what was handled, and does not wait for a client that stalls", async () => {
  const fake = new FakeIngest();
  const drain = new AbortController();
  const answer = ingestStream(
    thenStall([message(valid, invalid), message(valid)]),
    ingestOf(fake),
    drain.signal,
  );
  await expect.poll(() => fake.stored.length).toBe(2);
  drain.abort();
  expect(await answer).toMatchObject({ acceptedCount: 2n, rejectedCount: 1n });
});

test("a drain waits for what is on its way to disk, and counts it", async () => {
  const fake = new FakeIngest();
  const stored = Promise.withResolvers<void>();
  fake.gate = stored.promise;
  const drain = new AbortController();
  let isAnswered = false;
  const answer = ingestStream(thenStall([message(valid), message(valid)]), ingestOf(fake), drain.signal);
  void answer.then(() => {
    isAnswered = true;
  });
  await expect.poll(() => fake.calls).toBe(2);
  drain.abort();
  await turn();
  expect(isAnswered).toBe(false);
  stored.resolve();
  expect(await answer).toMatchObject({ acceptedCount: 2n });
});

test("what comes after the drain began is not stored", async () => {
  const fake = new FakeIngest();
  const drain = new AbortController();
  const late = Promise.withResolvers<void>();
  async function* requests() {
    yield message(valid);
    await late.promise;
    yield message(valid);
  }
  const answer = ingestStream(requests(), ingestOf(fake), drain.signal);
  await expect.poll(() => fake.stored.length).toBe(1);
  drain.abort();
  late.resolve();
  expect(await answer).toMatchObject({ acceptedCount: 1n });
  expect(fake.calls).toBe(1);
});

test.each([
  ["before the stream began", true],
  ["before its first message", false],
])("a drain %s is unavailable", async (_, isBefore) => {
  const drain = new AbortController();
  if (isBefore) drain.abort();
  const answer = ingestStream(thenStall([]), ingestOf(new FakeIngest()), drain.signal);
  drain.abort();
  await expect(answer).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: "the server is stopping",
  });
});

test("a refusal after stored batches answers with the batches before it", async () => {
  const fake = new FakeIngest();
  const ingest = refusingAt(fake, (call) => (call === 2 ? refused() : undefined));
  const messages = [message(valid, invalid), message(valid), message(valid), message(valid)];
  expect(await ingestStream(stream(messages), ingest, noDrain)).toMatchObject({
    acceptedCount: 2n,
    rejectedCount: 1n,
  });
});

test("a refusal of the first batch is the answer", async () => {
  const ingest = refusingAt(new FakeIngest(), (call) => (call === 0 ? refused() : undefined));
  await expect(ingestStream(stream([message(valid), message(valid)]), ingest, noDrain)).rejects.toMatchObject(
    {
      code: Code.ResourceExhausted,
    },
  );
});

test.each([
  ["a message with too many events", new ConnectError("too many", Code.InvalidArgument)],
  ["a bug", new Error("bug")],
])(
  "%s fails the stream even after stored batches: to send the rest again would not help",
  async (_, error) => {
    const ingest = refusingAt(new FakeIngest(), (call) => (call === 1 ? error : undefined));
    await expect(ingestStream(stream([message(valid), message(valid)]), ingest, noDrain)).rejects.toBe(error);
  },
);

test("after a refusal no more than what was under way is read, from a stream without end", async () => {
  const ingest = refusingAt(new FakeIngest(), (call) => (call >= 3 ? refused() : undefined));
  let pulled = 0;
  async function* endless() {
    for (;;) {
      pulled += 1;
      yield message(valid);
    }
  }
  expect(await ingestStream(endless(), ingest, noDrain)).toMatchObject({ acceptedCount: 3n });
  expect(pulled).toBeLessThanOrEqual(8);
});

test("while nothing gets to disk, no more than four batches are read", async () => {
  const drain = new AbortController();
  const stored = Promise.withResolvers<void>();
  const fake = new FakeIngest();
  fake.gate = stored.promise;
  let pulled = 0;
  async function* endless() {
    for (;;) {
      pulled += 1;
      yield message(valid);
    }
  }
  const answer = ingestStream(endless(), ingestOf(fake), drain.signal);
  for (let turns = 0; turns < 100; turns += 1) await turn();
  expect({ pulled, calls: fake.calls }).toEqual({ pulled: 4, calls: 4 });
  drain.abort();
  stored.resolve();
  expect(await answer).toMatchObject({ acceptedCount: 4n });
});

test("messages that are stored can be collected while the stream goes on", async () => {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  const messages: WeakRef<IngestEventStreamRequest>[] = [];
  const drain = new AbortController();
  const fake = new FakeIngest();
  async function* requests() {
    for (let count = 0; count < 200; count += 1) {
      const next = message(valid);
      messages.push(new WeakRef(next));
      yield next;
    }
    await new Promise(() => {});
  }
  const answer = ingestStream(requests(), ingestOf(fake), drain.signal);
  await expect.poll(() => fake.stored.length).toBe(200);
  await turn();
  collect();
  expect(messages.filter((reference) => reference.deref()).length).toBeLessThan(20);
  drain.abort();
  await answer;
});

test("a client that goes away fails the stream once what it sent is settled", async () => {
  const fake = new FakeIngest();
  const stored = Promise.withResolvers<void>();
  fake.gate = stored.promise;
  const gone = new ConnectError("gone", Code.Canceled);
  async function* requests() {
    yield message(valid);
    throw gone;
  }
  let isSettled = false;
  const answer = ingestStream(requests(), ingestOf(fake), noDrain).finally(() => {
    isSettled = true;
  });
  const rejection = expect(answer).rejects.toBe(gone);
  await turn();
  expect(isSettled).toBe(false);
  stored.resolve();
  await rejection;
  expect(fake.stored.length).toBe(1);
});

/** The unhandled rejections while `work` runs. */
async function unhandledDuring(work: () => Promise<void>): Promise<unknown[]> {
  const unhandled: unknown[] = [];
  const listener = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", listener);
  try {
    await work();
    await turn();
    await turn();
  } finally {
    process.off("unhandledRejection", listener);
  }
  return unhandled;
}

test("a client that goes away while its batches are refused leaves no rejection unhandled", async () => {
  const gone = new ConnectError("gone", Code.Canceled);
  async function* requests() {
    yield message(valid);
    yield message(valid);
    throw gone;
  }
  const unhandled = await unhandledDuring(async () => {
    const ingest = refusingAt(new FakeIngest(), refused);
    await expect(ingestStream(requests(), ingest, noDrain)).rejects.toBe(gone);
  });
  expect(unhandled).toEqual([]);
});

test("a client that goes away after the drain leaves no rejection unhandled", async () => {
  const drain = new AbortController();
  const goes = Promise.withResolvers<never>();
  const fake = new FakeIngest();
  async function* requests() {
    yield message(valid);
    await goes.promise;
  }
  const unhandled = await unhandledDuring(async () => {
    const answer = ingestStream(requests(), ingestOf(fake), drain.signal);
    await expect.poll(() => fake.stored.length).toBe(1);
    drain.abort();
    expect(await answer).toMatchObject({ acceptedCount: 1n });
    goes.reject(new ConnectError("gone", Code.Canceled));
  });
  expect(unhandled).toEqual([]);
});

test("an ended stream no longer listens to the drain", async () => {
  const drain = new AbortController();
  const ended = Promise.withResolvers<void>();
  async function* requests() {
    yield message(valid);
    await ended.promise;
  }
  const answer = ingestStream(requests(), ingestOf(new FakeIngest()), drain.signal);
  expect(getEventListeners(drain.signal, "abort").length).toBe(1);
  ended.resolve();
  await answer;
  expect(getEventListeners(drain.signal, "abort").length).toBe(0);
});

test("whatever is refused and whenever it drains, the answer is a prefix of the stream, and all of it is stored", async () => {
  const batches = fc.array(fc.array(fc.boolean(), { maxLength: 4 }), { maxLength: 15 });
  const refusals = fc.uniqueArray(fc.nat({ max: 20 }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(
      batches,
      refusals,
      fc.option(fc.nat({ max: 15 })),
      fc.scheduler(),
      async (sent, refusedAt, drainAt, s) => {
        const fake = new FakeIngest();
        const drain = new AbortController();
        let events = 0;
        const messages = sent.map((validity) =>
          message(
            ...validity.map((isValid) => {
              events += 1;
              return { siteId: "s", eventType: isValid ? "x" : "", eventId: `e${events - 1}` };
            }),
          ),
        );
        async function* requests() {
          for (const [at, next] of messages.entries()) {
            if (at === drainAt) drain.abort();
            await s.schedule(Promise.resolve(), `message ${at}`);
            yield next;
          }
        }
        let calls = 0;
        const ingest: IngestFunction = async (batch) => {
          const call = calls;
          calls += 1;
          await s.schedule(Promise.resolve(), `store ${call}`);
          if (refusedAt.includes(call)) throw refused();
          return fake.ingest(batch.events);
        };
        const outcome = ingestStream(requests(), ingest, drain.signal).then(
          (answer) => ({ answer }),
          (error: unknown) => ({ error }),
        );
        const result = await s.waitFor(outcome);

        const validity = sent.flat();
        const handledBatches = sent.slice(0, Math.min(calls, ...refusedAt));
        const handled = handledBatches.flat();
        const indexes = (wanted: boolean) => [...handled.keys()].filter((at) => handled[at] === wanted);
        const storedIds = new Set(fake.stored.map(({ eventId }) => eventId));
        for (const at of indexes(true)) expect(storedIds).toContain(`e${at}`);
        if ("error" in result) {
          expect(result.error).toBeInstanceOf(ConnectError);
          expect(handled).toEqual([]);
          return;
        }
        expect(result.answer.acceptedCount).toBe(BigInt(indexes(true).length));
        expect(result.answer.rejectedCount).toBe(BigInt(indexes(false).length));
        expect(result.answer.rejected.map(({ index }) => Number(index))).toEqual(indexes(false));
        if (!drain.signal.aborted && refusedAt.every((at) => at >= sent.length))
          expect(handled).toEqual(validity);
      },
    ),
    { numRuns: 300 },
  );
});
