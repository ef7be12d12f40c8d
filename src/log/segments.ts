// The segment files of a log: listing, opening with their header checked, creating.

import { corruption, LogError } from "./errors.ts";
import { type LogFile, type LogFiles, type OpenMode, readFully, writeFully } from "./files.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentName,
  segmentOfName,
} from "./format.ts";

export interface OpenSegment {
  readonly name: string;
  readonly file: LogFile;
  readonly header: SegmentHeader & { readonly crc: number };
}

/** The suffix of a segment that is being made; a crash may leave one behind, which was never part of the log. */
export const TEMPORARY_SUFFIX = ".tmp";

/** The first offsets of the segments, ascending. */
export async function listSegments(files: LogFiles): Promise<number[]> {
  const names = await files.list();
  return names
    .map(segmentOfName)
    .filter((offset) => offset !== undefined)
    .sort((a, b) => a - b);
}

/** Opens a segment and checks its header against its name and, when given, the log's id. */
export async function openSegment(
  files: LogFiles,
  firstOffset: number,
  mode: OpenMode,
  logId?: string,
): Promise<OpenSegment> {
  const name = segmentName(firstOffset);
  const file = await files.open(name, mode);
  try {
    const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
    const count = await readFully(file, bytes, 0);
    const header = decodeSegmentHeader(bytes.subarray(0, count));
    if (typeof header === "string") throw corruption(name, 0, header);
    if (header.firstOffset !== firstOffset) {
      throw corruption(name, 32, `its header says that it begins at offset ${header.firstOffset}`);
    }
    if (logId !== undefined && header.logId !== logId) {
      throw new LogError("mismatch", `log segment ${name} belongs to log ${header.logId}, not to ${logId}`);
    }
    return { name, file, header };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Makes a segment so that it is there whole or not at all: a temporary file, sync, rename, sync of the directory. */
export async function createSegment(files: LogFiles, header: SegmentHeader): Promise<OpenSegment> {
  const name = segmentName(header.firstOffset);
  const temporary = name + TEMPORARY_SUFFIX;
  const file = await files.open(temporary, "create");
  try {
    await writeFully(file, encodeSegmentHeader(header), 0);
    await file.datasync();
  } finally {
    await file.close();
  }
  await files.rename(temporary, name);
  await files.syncDirectory();
  return openSegment(files, header.firstOffset, "write", header.logId);
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
