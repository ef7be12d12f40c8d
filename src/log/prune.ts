// Retention: takes whole oldest segments off the log, and only when told to. They go to the folder `archive` of the log
// directory, from where they can be moved back, or are deleted.
//
// What is not folded into the statistics is never taken, nor is the segment of the last folded frame, where folding goes on,
// nor the last segment. The oldest go first, so the log has
// no hole, also when the process dies on the way.

import { LogError } from "./errors.ts";
import type { LogFiles } from "./files.ts";
import { segmentName } from "./format.ts";
import { listSegments, openSegment } from "./segments.ts";

const ARCHIVE_DIRECTORY = "archive";

/** Which segments are to go, as far as they may. */
export type PruneRule =
  /** Those all of whose events were received before this time, in ms. */
  | { readonly beforeMs: number }
  /** The oldest, until what is left has at most this many bytes. */
  | { readonly keepBytes: number };

export interface SealedSegment {
  readonly firstOffset: number;
  /** The offset behind its last record. */
  readonly endOffset: number;
  readonly bytes: number;
  /** When its last record was received, in ms. */
  readonly lastReceivedMs: number;
}

export interface PrunePlan {
  readonly segments: readonly SealedSegment[];
  /** Segments that the rule names and that stay, as they are not folded. */
  readonly unfolded: number;
}

/** All segments but the last, which is being written, and the size of the last. */
export async function readSealedSegments(
  files: LogFiles,
): Promise<{ sealed: readonly SealedSegment[]; lastBytes: number }> {
  const offsets = await listSegments(files);
  const found: { firstOffset: number; bytes: number; receivedBeforeMs: number }[] = [];
  for (const firstOffset of offsets) {
    const { file, header } = await openSegment(files, firstOffset, "read");
    try {
      found.push({ firstOffset, bytes: await file.size(), receivedBeforeMs: header.receivedBeforeMs });
    } finally {
      await file.close();
    }
  }
  const sealed = found.slice(0, -1).map(({ firstOffset, bytes }, index) => ({
    firstOffset,
    endOffset: found[index + 1]?.firstOffset ?? firstOffset,
    bytes,
    lastReceivedMs: found[index + 1]?.receivedBeforeMs ?? 0,
  }));
  return { sealed, lastBytes: found.at(-1)?.bytes ?? 0 };
}

/** What `rule` takes of `sealed`, oldest first; `foldedTo` is the offset up to which everything is folded. */
export function planPrune(
  sealed: readonly SealedSegment[],
  lastBytes: number,
  foldedTo: number,
  rule: PruneRule,
): PrunePlan {
  let left = lastBytes + sealed.reduce((sum, { bytes }) => sum + bytes, 0);
  const isNamed = (segment: SealedSegment): boolean => {
    if ("beforeMs" in rule) return segment.lastReceivedMs < rule.beforeMs;
    const isTooMuch = left > rule.keepBytes;
    left -= segment.bytes;
    return isTooMuch;
  };
  const firstThatStays = sealed.findIndex((segment) => !isNamed(segment));
  const named = firstThatStays === -1 ? sealed : sealed.slice(0, firstThatStays);
  const segments = named.filter(({ endOffset }) => endOffset < foldedTo);
  return { segments, unfolded: named.length - segments.length };
}

/** Carries out a plan. Throws a LogError when the archive has a segment of the same name. */
export async function prune(files: LogFiles, plan: PrunePlan, mode: "archive" | "delete"): Promise<void> {
  if (plan.segments.length === 0) return;
  if (mode === "archive") await prepareArchive(files, plan);
  for (const { firstOffset } of plan.segments) {
    const name = segmentName(firstOffset);
    if (mode === "delete") await files.remove(name);
    else await files.rename(name, `${ARCHIVE_DIRECTORY}/${name}`);
    // One by one, so that no power cut leaves a later segment gone and an earlier one there.
    if (mode === "archive") await files.syncDirectory(ARCHIVE_DIRECTORY);
    await files.syncDirectory();
  }
}

async function prepareArchive(files: LogFiles, { segments }: PrunePlan): Promise<void> {
  if (!(await files.list()).includes(ARCHIVE_DIRECTORY)) {
    await files.makeDirectory(ARCHIVE_DIRECTORY);
    await files.syncDirectory();
  }
  for (const { firstOffset } of segments) {
    const name = `${ARCHIVE_DIRECTORY}/${segmentName(firstOffset)}`;
    const isThere = await files.open(name, "read").then(
      (file) => file.close().then(() => true),
      () => false,
    );
    if (isThere) throw new LogError("mismatch", `the archive has ${name} already: move it elsewhere first`);
  }
}
