// Makes a damaged log one that can be opened again, with the least loss that the format allows.
//
//   damaged segment header, proven by the first frame    is written again: nothing is lost
//   any other damage                                     the log is cut off before it: offsets have no holes, so what
//                                                        stands behind cannot stay
//   and when nothing of its first segment is to be kept  that gets a fresh header: the log keeps its id and offsets
//   durable mark ahead of the segments, or of others     is made anew
//
// Nothing is deleted: each file that is changed or taken away is kept, as it was, in `damaged-<time>/`. Segments are not
// changed in place: the mended one is written beside it and renamed over it, and the kept one is the old file itself,
// under a second name. The caller holds the locks of writer and projector.
//
// Killed at any moment, it leaves a log that is still refused, or that it has repaired: what is behind the cut goes
// first, from the end, and the mark that promises it goes last.

import { DURABLE_MARK_NAME } from "./durable-mark.ts";
import { LogError } from "./errors.ts";
import { type LogFile, type LogFiles, readFully, writeFully } from "./files.ts";
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from "./format.ts";
import { wholeFrames } from "./frame-search.ts";
import type { CutPlace, Problem } from "./problem.ts";
import { MIN_FREE_BYTES } from "./recovery.ts";
import { listSegments, TEMPORARY_SUFFIX } from "./segments.ts";
import type { LogReport } from "./verify.ts";
import { openLog } from "./writer.ts";

/** How the names of the directories begin that have what a repair set aside. */
export const DAMAGED_PREFIX = "damaged-";
/** How much is copied at a time. */
const COPY_BYTES = 1024 * 1024;

export interface RepairPlan {
  /** The segments that get another header: a restored one, or, where the log is cut before its first frame, a fresh one. */
  readonly headers: ReadonlyMap<number, Buffer>;
  readonly cut: Cut | undefined;
}

export interface Cut extends CutPlace {
  readonly name: string;
  /** The bytes of the segment that are cut off, the whole segment when `position` is 0. */
  readonly bytes: number;
  /** First offsets of the segments behind it, which are taken away whole. */
  readonly behind: readonly number[];
  /** The records from `offset` up to here were stored, as far as is known. */
  readonly storedTo: number;
  /** How many of them stand in whole frames behind the damage. */
  readonly readable: number;
}

/** What is to be done about the problems of `report`; undefined when nothing is, or nothing can be. */
export async function planRepair(files: LogFiles, report: LogReport): Promise<RepairPlan | undefined> {
  const { problems } = report;
  if (problems.some(({ remedy }) => remedy.kind === "version")) return undefined;
  if (problems.every(({ remedy }) => remedy.kind === "none")) return undefined;
  const first = firstCut(problems);
  const headers = new Map<number, Buffer>();
  for (const { remedy } of problems) {
    if (remedy.kind === "header" && (!first || isKept(remedy.segment, first))) {
      headers.set(remedy.segment, remedy.header);
    }
  }
  if (!first) return { headers, cut: undefined };
  const [oldest] = await listSegments(files);
  if (first.position > 0 || first.segment !== oldest || report.logId === undefined) {
    return { headers, cut: await measure(files, first, report) };
  }
  const fresh = { logId: report.logId, firstOffset: first.segment, receivedBeforeMs: 0 };
  headers.set(first.segment, encodeSegmentHeader(fresh));
  return { headers, cut: await measure(files, { ...first, position: SEGMENT_HEADER_BYTES }, report) };
}

function firstCut(problems: readonly Problem[]): CutPlace | undefined {
  let first: CutPlace | undefined;
  for (const { remedy } of problems) {
    if (remedy.kind !== "cut") continue;
    const { at } = remedy;
    const isBefore =
      !first || at.segment < first.segment || (at.segment === first.segment && at.position < first.position);
    if (isBefore) first = at;
  }
  return first;
}

function isKept(segment: number, place: CutPlace): boolean {
  return segment < place.segment || (segment === place.segment && place.position > 0);
}

/** Finds out what a cut takes away. */
async function measure(files: LogFiles, place: CutPlace, { mark }: LogReport): Promise<Cut> {
  const name = segmentName(place.segment);
  const behind = (await listSegments(files)).filter((segment) => segment > place.segment);
  let storedTo = Math.max(place.offset, mark?.nextOffset ?? 0, behind.at(-1) ?? 0);
  let readable = 0;
  let bytes = 0;
  for (const segment of [place.segment, ...behind]) {
    const from = segment === place.segment ? place.position : 0;
    const file = await files.open(segmentName(segment), "read");
    try {
      if (segment === place.segment) bytes = Math.max(0, (await file.size()) - from);
      for await (const { header } of wholeFrames(file, from)) {
        readable += header.count;
        storedTo = Math.max(storedTo, header.firstOffset + header.count);
      }
    } finally {
      await file.close();
    }
  }
  return { ...place, name, bytes, behind, storedTo, readable };
}

/** Carries out `plan`; resolves to the directory in the log's that has every changed file as it was. */
export async function repairLog(files: LogFiles, plan: RepairPlan, now: Date): Promise<string> {
  const { headers, cut } = plan;
  const removed = cut ? [...(cut.position === 0 ? [cut.segment] : []), ...cut.behind] : [];
  const isCutShort = cut !== undefined && cut.position > 0 && cut.bytes > 0;
  const mended = new Set([...headers.keys(), ...(isCutShort ? [cut.segment] : [])]);
  const hasMark = (await files.list()).includes(DURABLE_MARK_NAME);
  await checkRoom(files, mended);

  const directory = `${DAMAGED_PREFIX}${now.toISOString().replaceAll(/[-:]/g, "")}`;
  const changed = [...mended, ...removed].map(segmentName).concat(hasMark ? [DURABLE_MARK_NAME] : []);
  await files.makeDirectory(directory);
  for (const name of changed) await files.link(name, `${directory}/${name}`);
  await files.syncDirectory(directory);
  await files.syncDirectory();

  for (const segment of removed.toReversed()) {
    await files.remove(segmentName(segment));
    await files.syncDirectory();
  }
  for (const segment of mended) {
    const end = isCutShort && segment === cut.segment ? cut.position : undefined;
    await mendSegment(files, segmentName(segment), headers.get(segment), end);
  }
  if (hasMark) await files.remove(DURABLE_MARK_NAME);
  await files.syncDirectory();
  // Proves that it opens, and makes the mark.
  const { log } = await openLog(files);
  await log.close();
  return directory;
}

/** Throws before anything is changed when the mended segments would not fit. */
async function checkRoom(files: LogFiles, mended: Iterable<number>): Promise<void> {
  let needed = MIN_FREE_BYTES;
  for (const segment of mended) {
    const file = await files.open(segmentName(segment), "read");
    try {
      needed += await file.size();
    } finally {
      await file.close();
    }
  }
  if ((await files.freeBytes()) >= needed) return;
  throw new LogError(
    "no_room",
    `no room for the repair: it takes ${Math.ceil(needed / 1024 ** 2)} MiB in ${files.directory}; nothing was changed`,
  );
}

/** Puts a copy of a segment in its place: with another header, or only up to byte `end`. */
async function mendSegment(
  files: LogFiles,
  name: string,
  header: Buffer | undefined,
  end: number | undefined,
): Promise<void> {
  const temporary = name + TEMPORARY_SUFFIX;
  const from = await files.open(name, "read");
  try {
    const to = await files.open(temporary, "create");
    try {
      const size = await from.size();
      await copy(from, to, Math.min(end ?? size, size));
      if (header) await writeFully(to, header, 0);
      await to.datasync();
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
  await files.rename(temporary, name);
  await files.syncDirectory();
}

async function copy(from: LogFile, to: LogFile, length: number): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(COPY_BYTES, length));
  for (let position = 0; position < length; ) {
    const part = buffer.subarray(0, Math.min(COPY_BYTES, length - position));
    const count = await readFully(from, part, position);
    if (count === 0) throw new Error("a log segment became shorter while it was copied");
    await writeFully(to, part.subarray(0, count), position);
    position += count;
  }
}
