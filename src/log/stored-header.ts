// Segment headers as they are stored, damaged or not, and how a damaged one is restored.
//
// The first frame of a segment has the CRC of the segment's header. So a header that is put together from what else
// is known (the log's id from the other segments or the mark, the first offset from the file's name, the time of
// receipt from the segment before) or from what is left of it is proven, and not guessed, when its CRC is that one.

import { type LogFile, type LogFiles, readFully } from "./files.ts";
import {
  type DurableMark,
  decodeFrameHeader,
  decodeSegmentHeader,
  encodeSegmentHeader,
  FRAME_HEADER_BYTES,
  isOtherVersion,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentHeaderFields,
  segmentName,
} from "./format.ts";
import { unreadable } from "./problem.ts";
import { isMissing, listSegments } from "./segments.ts";

export type WholeHeader = SegmentHeader & { readonly crc: number };

export interface StoredHeader {
  readonly name: string;
  /** The first offset in the file's name. */
  readonly segment: number;
  /** The header, or what is wrong with it. */
  readonly header: WholeHeader | string;
  readonly isOtherVersion: boolean;
  /** The header's bytes, as many as there are. */
  readonly bytes: Buffer;
}

/** Reads the headers of `segments`, but for those that are taken off the log's beginning meanwhile. */
export async function readHeaders(files: LogFiles, segments: readonly number[]): Promise<StoredHeader[]> {
  const headers: StoredHeader[] = [];
  for (const segment of segments) {
    const file = await openUnlessPruned(files, segment);
    if (!file) continue;
    try {
      headers.push({ name: segmentName(segment), segment, ...(await readHeader(file)) });
    } finally {
      await file.close();
    }
  }
  return headers;
}

/** Opens a segment for reading; undefined when it is gone, and the log begins behind it now. */
export async function openUnlessPruned(files: LogFiles, segment: number): Promise<LogFile | undefined> {
  try {
    return await files.open(segmentName(segment), "read");
  } catch (error) {
    const [first] = await listSegments(files);
    if (!isMissing(error) || first === undefined || first < segment) throw error;
    return undefined;
  }
}

async function readHeader(file: LogFile): Promise<Pick<StoredHeader, "header" | "isOtherVersion" | "bytes">> {
  const space = Buffer.alloc(SEGMENT_HEADER_BYTES);
  const count = await readFully(file, space, 0).catch(unreadable);
  if (typeof count !== "number") {
    return { header: count.problem, isOtherVersion: false, bytes: Buffer.alloc(0) };
  }
  const bytes = space.subarray(0, count);
  return { header: decodeSegmentHeader(bytes), isOtherVersion: isOtherVersion(bytes), bytes };
}

/** The log's id: the mark's when a segment agrees, else that of the first whole header. */
export function logIdOf(headers: readonly StoredHeader[], mark: DurableMark | undefined): string | undefined {
  const ids = headers.flatMap(({ header }) => (typeof header === "string" ? [] : [header.logId]));
  return mark && (ids.length === 0 || ids.includes(mark.logId)) ? mark.logId : ids[0];
}

/**
 * The header that a segment had, proven by its first frame; undefined when it cannot be known. Log id and time of
 * receipt are those of `known`, and where nothing is known or that does not fit, those that the damaged header has.
 */
export async function restoredHeader(
  file: LogFile,
  { segment, bytes }: StoredHeader,
  known: { readonly logId: string | undefined; readonly receivedBeforeMs: number | undefined },
): Promise<{ readonly header: WholeHeader; readonly bytes: Buffer } | undefined> {
  const frame = Buffer.alloc(FRAME_HEADER_BYTES);
  const count = await readFully(file, frame, SEGMENT_HEADER_BYTES).catch(unreadable);
  const first = count === frame.length ? decodeFrameHeader(frame) : undefined;
  if (!first) return undefined;
  const left = bytes.length === SEGMENT_HEADER_BYTES ? segmentHeaderFields(bytes) : undefined;
  const logId = known.logId ?? left?.logId;
  for (const receivedBeforeMs of [known.receivedBeforeMs, left?.receivedBeforeMs]) {
    if (logId === undefined || !Number.isSafeInteger(receivedBeforeMs)) continue;
    const fields = { logId, firstOffset: segment, receivedBeforeMs: Number(receivedBeforeMs) };
    const candidate = encodeSegmentHeader(fields);
    const header = decodeSegmentHeader(candidate);
    if (typeof header !== "string" && header.crc === first.previousCrc) return { header, bytes: candidate };
  }
  return undefined;
}
