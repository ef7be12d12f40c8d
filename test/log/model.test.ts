// The log against its model, an array: whatever is done to it in whatever order, it holds what was acknowledged, in
// order. A batch that was in flight when the process ended may be there, whole, or not at all.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { EventLog, EventLogReader, LogPosition } from "../../src/log/event-log.ts";
import { segmentName } from "../../src/log/format.ts";
import { planPrune, prune, readSealedSegments } from "../../src/log/prune.ts";
import { readFromPosition, readFromStart } from "../../src/log/reader.ts";
import { decodeRecords, eventIdOf } from "../../src/log/records.ts";
import { listSegments } from "../../src/log/segments.ts";
import { openLog } from "../../src/log/writer.ts";
import { FaultFiles, randomOf } from "./fault-files.ts";
import { append, flipped, readBytes, verify, writeBytes } from "./log-fixture.ts";

/** Segments of a few small frames, so that the log is rolled all the time. */
const SEGMENT_BYTES = 700;
const TIME_LIMIT_MS = 8000;

interface Model {
  /** The ids of all events that were stored. */
  events: string[];
  /** How many of them were taken off the beginning. */
  pruned: number;
  /** How many ids were used, also of events that were lost before they were acknowledged. */
  sent: number;
}

interface Real {
  readonly files: FaultFiles;
  log: EventLog;
  remembered: { readonly position: LogPosition; readonly count: number } | undefined;
}

type Step = fc.AsyncCommand<Model, Real>;

/** Makes a command that can always be run. */
function step(name: string, run: (model: Model, real: Real) => Promise<void>): Step {
  return { check: () => true, run, toString: () => name };
}

function nextIds(model: Model, count: number): string[] {
  const ids = Array.from({ length: count }, (_, i) => `event-${model.sent + i}`);
  model.sent += count;
  return ids;
}

/** What a reader still gives. It is closed. */
async function rest(reader: EventLogReader | undefined, maxFrames = Number.POSITIVE_INFINITY) {
  const ids: string[] = [];
  let after: LogPosition | undefined;
  try {
    for (let frames = 0; frames < maxFrames; frames += 1) {
      const next = await reader?.next();
      if (!next) break;
      after = next.after;
      for (const { record } of decodeRecords(next.frame)) {
        if (record.case === "event") ids.push(eventIdOf(record.value));
      }
    }
  } finally {
    await reader?.close();
  }
  return { ids, after };
}

/** The ids of the events that the log must have. */
function left({ events, pruned }: Model): string[] {
  return events.slice(pruned);
}

async function open(real: Real): Promise<void> {
  real.log = (await openLog(real.files, SEGMENT_BYTES)).log;
}

const appendBatch = (count: number) =>
  step(`append ${count}`, async (model, { log }) => {
    const ids = nextIds(model, count);
    await append(log, ids, model.sent);
    model.events.push(...ids);
    expect(log.end).toBe(model.events.length);
  });

const reopen = () =>
  step("close and open", async (model, real) => {
    await real.log.close();
    await open(real);
    expect(real.log.end).toBe(model.events.length);
    const records = model.events.length - model.pruned;
    expect(await verify(real.files)).toMatchObject({ records, problems: [] });
  });

/** The process ends, by `end`, at an operation of an append; the next one opens the log. */
async function crash(model: Model, real: Real, operation: number, end: () => void): Promise<void> {
  const { files, log } = real;
  const ids = nextIds(model, 3);
  files.fault = { code: "off", forGood: true, at: files.operations + operation };
  const isAcknowledged = await append(log, ids, model.sent).then(
    () => true,
    () => false,
  );
  end();
  expect((await verify(files)).problems).toEqual([]);
  await open(real);
  const stored = (await rest(await readFromStart(files))).ids;
  const isKept = stored.length > left(model).length;
  if (isAcknowledged || isKept) model.events.push(...ids);
  expect(stored).toEqual(left(model));
  expect(real.log.end).toBe(model.events.length);
}

const kill = (operation: number) =>
  step(`kill at operation ${operation}`, (model, real) =>
    crash(model, real, operation, () => real.files.kill()),
  );

const powerCut = (operation: number, seed: number) =>
  step(`power cut at operation ${operation}, seed ${seed}`, (model, real) => {
    const random = randomOf(seed);
    return crash(model, real, operation, () => real.files.powerCut(random, random()));
  });

const readAll = () =>
  step("read from the start", async (model, { files }) => {
    expect((await rest(await readFromStart(files))).ids).toEqual(left(model));
  });

const remember = (frames: number) =>
  step(`read ${frames} frames and remember the place`, async (model, real) => {
    const { ids, after } = await rest(await readFromStart(real.files), frames);
    expect(ids).toEqual(left(model).slice(0, ids.length));
    if (after) real.remembered = { position: after, count: model.pruned + ids.length };
  });

const readOn = () =>
  step("read from the remembered place", async (model, { files, remembered }) => {
    // What retention takes away is folded, so nobody is to read on from there.
    if (!remembered || remembered.position.segment < model.pruned) return;
    const { ids } = await rest(await readFromPosition(files, remembered.position));
    expect(ids).toEqual(model.events.slice(remembered.count));
  });

/** Takes away the oldest segments of which all is folded: the first `share` of the events. */
const retain = (share: number) =>
  step(`retain, with ${share} folded`, async (model, { files, log }) => {
    const { sealed, lastBytes } = await readSealedSegments(files);
    // What is taken away stays folded.
    const folded = Math.max(model.pruned, Math.floor(share * model.events.length));
    const plan = planPrune(sealed, lastBytes, folded, { keepBytes: 0 });
    await prune(files, plan, "delete");
    model.pruned = plan.segments.at(-1)?.endOffset ?? model.pruned;
    expect(model.pruned).toBeLessThanOrEqual(folded);
    expect(log.end).toBe(model.events.length);
  });

/** One bit of a segment changes: it is refused, or, in a segment that is not the last, found by whoever reads it. */
const damage = (where: number, which: number) =>
  step(`flip a bit at ${where} of segment ${which}`, async (model, real) => {
    const { files } = real;
    await real.log.close();
    const segments = await listSegments(files);
    const segment = segments[which % segments.length] ?? 0;
    const name = segmentName(segment);
    const whole = await readBytes(files, name);
    const broken = flipped(whole, Math.floor(where * whole.length * 8));
    await overwrite(files, name, broken);
    expect((await verify(files)).problems).toMatchObject([{ file: name }]);
    const opened = await openLog(files, SEGMENT_BYTES).catch((error: unknown) => {
      expect(error).toMatchObject({ name: "LogError", code: "corrupt" });
    });
    if (opened) {
      expect(segment).not.toBe(segments.at(-1));
      expect(opened.log.end).toBe(model.events.length);
      await opened.log.close();
      const reading = readFromStart(files).then((reader) => rest(reader));
      await expect(reading).rejects.toMatchObject({ name: "LogError", code: "corrupt" });
    }
    expect((await readBytes(files, name)).equals(broken)).toBe(true);
    await overwrite(files, name, whole);
    await open(real);
    expect(real.log.end).toBe(model.events.length);
  });

/** Changes a file and syncs it: the next power cut is not to bring the damage back. */
async function overwrite(files: FaultFiles, name: string, bytes: Buffer): Promise<void> {
  await writeBytes(files, name, bytes);
  const file = await files.open(name, "write");
  await file.datasync();
  await file.close();
  await files.syncDirectory();
}

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const operation = fc.integer({ min: 1, max: 14 });
const commands = fc.commands(
  [
    // A batch of 12 is a frame of several sectors.
    fc.constantFrom(1, 1, 2, 5, 12).map(appendBatch),
    fc.constantFrom(1, 3).map(appendBatch),
    fc.constant(reopen()),
    operation.map(kill),
    fc.tuple(operation, fc.nat()).map(([at, seed]) => powerCut(at, seed)),
    fc.constant(readAll()),
    fc.nat({ max: 20 }).map(remember),
    fc.constant(readOn()),
    fraction.map(retain),
    fc.tuple(fraction, fc.nat()).map(([where, which]) => damage(where, which)),
  ],
  { maxCommands: 40, size: "max" },
);

test("the log holds what its model does, whatever is done to it", async () => {
  await fc.assert(
    fc.asyncProperty(commands, async (steps) => {
      const files = new FaultFiles();
      const setup = async () => {
        const { log } = await openLog(files, SEGMENT_BYTES);
        const real: Real = { files, log, remembered: undefined };
        return { model: { events: [], pruned: 0, sent: 0 }, real };
      };
      await fc.asyncModelRun(setup, steps);
    }),
    // Shrinking ends with the time as well.
    { numRuns: 150, interruptAfterTimeLimit: TIME_LIMIT_MS, markInterruptAsFailure: false },
  );
});
