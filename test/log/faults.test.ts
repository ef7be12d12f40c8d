// The promise, checked at every file operation: what was acknowledged or folded is in the log afterwards, nothing else
// than what was sent is, in the order in which it was sent.

import { expect, test } from "vitest";
import { LogError } from "../../src/log/errors.ts";
import type { EventLog, EventLogReader } from "../../src/log/event-log.ts";
import { readFromStart } from "../../src/log/reader.ts";
import { decodeRecords, eventIdOf } from "../../src/log/records.ts";
import { openLog } from "../../src/log/writer.ts";
import { type Fault, FaultFiles, randomOf } from "./fault-files.ts";
import { append, readIds } from "./log-fixture.ts";

/** A few small frames, or one of several sectors. */
const SEGMENT_BYTES = 700;
/** How many events each frame has, and where the log is closed and opened again. */
const SESSIONS = [
  [1, 12, 1, 1],
  [3, 1, 10, 2, 1],
];

interface History {
  readonly sent: string[];
  readonly acknowledged: string[];
  /** What a reader beside the writer was given. */
  readonly folded: string[];
}

/** Writes to the log in several sessions and reads along, whatever fails. */
async function live(files: FaultFiles): Promise<History> {
  const history: History = { sent: [], acknowledged: [], folded: [] };
  for (const counts of SESSIONS) {
    const opened = await openLog(files, SEGMENT_BYTES).catch((error: unknown) => {
      expect(error, "a fault is never taken for damage").not.toMatchObject({ code: "corrupt" });
    });
    if (opened) await writeAndFold(files, opened.log, counts, history);
  }
  return history;
}

async function writeAndFold(files: FaultFiles, log: EventLog, counts: number[], history: History) {
  let hasFailed = false;
  let reader: EventLogReader | undefined;
  for (const count of counts) {
    const ids = Array.from({ length: count }, (_, i) => `event-${history.sent.length + i}`);
    history.sent.push(...ids);
    try {
      await append(log, ids, history.sent.length);
      expect(hasFailed, "nothing is acknowledged after a failure").toBe(false);
      history.acknowledged.push(...ids);
    } catch (error) {
      expect(error).toMatchObject({ name: "LogError", code: "failed" });
      hasFailed = true;
    }
    try {
      reader ??= await readFromStart(files);
      for (let next = await reader?.next(); next; next = await reader?.next()) {
        for (const { record } of decodeRecords(next.frame)) {
          const id = record.case === "event" ? eventIdOf(record.value) : "";
          if (!history.folded.includes(id)) history.folded.push(id);
        }
      }
    } catch (error) {
      expect(error, "what is durable is whole").not.toBeInstanceOf(LogError);
    }
  }
  await reader?.close().catch(() => undefined);
  await log.close().catch(() => undefined);
}

/** Opens the log as the next process does, and gives what is in it. "event-7" was received at 8. */
async function reopened(files: FaultFiles): Promise<string[]> {
  const { log } = await openLog(files, SEGMENT_BYTES);
  const ids = await readIds(files);
  expect(log.end).toBe(ids.length);
  expect(log.lastReceivedAtMs).toBe(Number(ids.at(-1)?.replace("event-", "") ?? -1) + 1);
  await log.close();
  return ids;
}

function expectKept(ids: string[], { sent, acknowledged, folded }: History, what: string): void {
  expect(ids, what).toEqual(sent.filter((id) => ids.includes(id)));
  expect(ids, what).toEqual(expect.arrayContaining(acknowledged));
  expect(ids, what).toEqual(expect.arrayContaining(folded));
}

interface Life {
  readonly files: FaultFiles;
  readonly history: History;
  /** For messages. */
  readonly what: string;
}

/** Lives with a fault at the first operation, at the second, and so on, until there is none left to fail. */
async function* livesWith(fault: Omit<Fault, "at">): AsyncGenerator<Life> {
  for (let at = 1; ; at += 1) {
    const files = new FaultFiles();
    files.fault = { ...fault, at };
    const history = await live(files);
    if (files.operations < at) return;
    yield { files, history, what: `${fault.code} at operation ${at}` };
  }
}

test("without a fault all is acknowledged and folded, over several segments", async () => {
  const files = new FaultFiles();
  const history = await live(files);
  expect(history.sent.length).toBe(32);
  expect(history.acknowledged).toEqual(history.sent);
  expect(await reopened(files)).toEqual(history.sent);
  expect((await files.list()).filter((name) => name.endsWith(".log")).length).toBeGreaterThan(4);
});

for (const code of ["EIO", "ENOSPC", "short"] as const) {
  for (const forGood of [false, true]) {
    test(`${code}, ${forGood ? "for good" : "once"}, at any operation loses nothing and leaks nothing`, async () => {
      for await (const { files, history, what } of livesWith({ code, forGood })) {
        expect(files.openFiles, what).toBe(0);
        files.kill();
        const ids = await reopened(files);
        expectKept(ids, history, what);
        // What a reader has seen by now is on disk, not in the page cache alone.
        files.powerCut(() => 1);
        expect(await reopened(files), what).toEqual(ids);
      }
    });
  }
}

for (const seed of [1, 2, 3, 4, 5]) {
  test(`a power cut after any operation, and one during recovery, lose nothing (seed ${seed})`, async () => {
    const random = randomOf(seed);
    for await (const { files, history, what } of livesWith({ code: "off", forGood: true })) {
      files.powerCut(random, random());
      // The projector may be there before the writer has recovered the log.
      history.folded.push(...(await readIds(files)));
      files.fault = { code: "off", forGood: true, at: 1 + Math.floor(random() * 40) };
      await reopened(files).catch((error: unknown) => {
        expect(error, what).toMatchObject({ message: expect.stringContaining("off") });
      });
      files.powerCut(random, random());
      const ids = await reopened(files);
      expectKept(ids, history, what);
      files.powerCut(() => 1);
      expect(await reopened(files), what).toEqual(ids);
    }
  });
}

test("a frame that a kill left in the page cache alone is not read before it is on disk", async () => {
  for (let at = 1; ; at += 1) {
    const files = new FaultFiles();
    const { log } = await openLog(files);
    await append(log, ["event-0"], 1);
    // Of "event-1" the write succeeds, and the sync does not: the next operations are its write, its sync.
    files.fault = { code: "EIO", forGood: false, at: files.operations + 2 };
    await expect(append(log, ["event-1"], 2)).rejects.toMatchObject({ code: "failed" });
    files.kill();
    files.fault = { code: "off", forGood: true, at };
    const isOpened = await openLog(files).then(
      () => true,
      () => false,
    );
    files.kill();
    const folded = await readIds(files);
    files.powerCut(() => 1);
    const kept = await reopened(files);
    expect(kept.slice(0, folded.length), `the power is gone at operation ${at} of the recovery`).toEqual(
      folded,
    );
    if (isOpened) {
      expect(folded).toEqual(["event-0", "event-1"]);
      return;
    }
  }
});
