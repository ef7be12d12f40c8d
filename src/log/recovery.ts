// Opening a log after whatever happened to the process or the power. It ends with a log whose every frame is on
// disk, or refuses and has changed nothing. docs/log-format.md, "Recovery", gives the rules.

import { v7 as uuidv7 } from "uuid";
import { DURABLE_MARK_NAME, readDurableMark } from "./durable-mark.ts";
import { corruption, LogError } from "./errors.ts";
import { type LogFiles, writeFully } from "./files.ts";
import { type DurableMark, SEGMENT_HEADER_BYTES } from "./format.ts";
import { type Frame, FrameReader, isBad } from "./frame-reader.ts";
import { decodeRecords, receivedAtMsOf } from "./records.ts";
import { createSegment, listSegments, type OpenSegment, openSegment, TEMPORARY_SUFFIX } from "./segments.ts";
import { readTornWrite } from "./tail.ts";

const MIB = 1024 * 1024;
/** Below this, the log is not opened: a frame and a new segment could fail half-way. */
export const MIN_FREE_BYTES = 16 * MIB;

export interface RecoveredLog {
  readonly segment: OpenSegment;
  /** Where the next frame goes. */
  readonly position: number;
  readonly nextOffset: number;
  readonly crc: number;
  readonly lastReceivedAtMs: number;
  /** The write that a crash cut short, when there was one: removed from the segment, kept in `copy`. */
  readonly torn: { readonly position: number; readonly bytes: number; readonly copy: string } | undefined;
}

export async function recoverLog(files: LogFiles): Promise<RecoveredLog> {
  if ((await files.freeBytes()) < MIN_FREE_BYTES) {
    throw new LogError("no_room", `no room for the log: less than ${MIN_FREE_BYTES / MIB} MiB are free`);
  }
  await removeTemporaries(files);
  const segments = await listSegments(files);
  const mark = await readDurableMark(files);
  const segment = await openLast(files, segments, mark);
  try {
    return await recoverLast(files, segment, mark);
  } catch (error) {
    await segment.file.close();
    throw error;
  }
}

async function removeTemporaries(files: LogFiles): Promise<void> {
  for (const name of await files.list()) {
    if (name.endsWith(TEMPORARY_SUFFIX)) await files.remove(name);
  }
}

/** Checks the headers of all segments and opens the last one; makes the first one when there is none. */
async function openLast(
  files: LogFiles,
  segments: readonly number[],
  mark: DurableMark | undefined,
): Promise<OpenSegment> {
  const last = segments.at(-1);
  if (last === undefined) {
    if (mark) {
      throw new LogError(
        "corrupt",
        `the log's segments are gone, but ${DURABLE_MARK_NAME} says that ${mark.nextOffset} events were stored; ` +
          `put them back, or remove ${DURABLE_MARK_NAME} to begin a new log`,
      );
    }
    return createSegment(files, { logId: uuidv7(), firstOffset: 0, receivedBeforeMs: 0 });
  }
  let logId = mark?.logId;
  for (const firstOffset of segments.slice(0, -1)) {
    const { file, header } = await openSegment(files, firstOffset, "read", logId);
    await file.close();
    logId = header.logId;
  }
  return openSegment(files, last, "write", logId);
}

async function recoverLast(
  files: LogFiles,
  segment: OpenSegment,
  mark: DurableMark | undefined,
): Promise<RecoveredLog> {
  const { file, header, name } = segment;
  const size = await file.size();
  const frames = new FrameReader(file, {
    position: SEGMENT_HEADER_BYTES,
    nextOffset: header.firstOffset,
    crc: header.crc,
  });
  let last: Frame | undefined;
  let found = await frames.next(size);
  while (found && !isBad(found)) {
    last = found;
    found = await frames.next(size);
  }
  const end = frames.position;
  let tail: Buffer | undefined;
  if (found) {
    tail = await readTornWrite(file, end);
    if (!tail) throw corruption(name, end, found.problem);
  }
  if (mark && mark.nextOffset > frames.nextOffset) {
    throw corruption(
      name,
      end,
      `${mark.nextOffset - frames.nextOffset} acknowledged events are missing ` +
        `(the log ends at offset ${frames.nextOffset}, and was on disk up to ${mark.nextOffset})`,
    );
  }
  const lastReceivedAtMs = last ? receivedAtMs(name, last) : header.receivedBeforeMs;
  const torn = tail && (await setAside(files, segment, tail, end));
  if (last) await writeFully(file, last.bytes, last.position);
  // Also for a log without a frame: what was read may so far be in the page cache alone.
  await file.datasync();
  await files.syncDirectory();
  return {
    segment,
    position: end,
    nextOffset: frames.nextOffset,
    crc: frames.crc,
    lastReceivedAtMs,
    torn,
  };
}

/** The time of receipt of the frame's last record. */
function receivedAtMs(name: string, frame: Frame): number {
  try {
    const last = decodeRecords(frame).at(-1);
    const time = last && receivedAtMsOf(last);
    if (time !== undefined) return time;
  } catch {
    // The CRCs are right, so these are the bytes that were written: below it says by whom.
  }
  throw corruption(
    name,
    frame.position,
    "the frame ends with a record that this version of Footfall does not know",
  );
}

/** Copies a torn write beside its segment, then cuts it off. */
async function setAside(
  files: LogFiles,
  segment: OpenSegment,
  tail: Buffer,
  position: number,
): Promise<{ position: number; bytes: number; copy: string }> {
  const copy = `${segment.name}.${position}.torn`;
  const file = await files.open(copy, "create");
  try {
    await writeFully(file, tail, 0);
    await file.datasync();
  } finally {
    await file.close();
  }
  await files.syncDirectory();
  await segment.file.truncate(position);
  return { position, bytes: tail.length, copy };
}
