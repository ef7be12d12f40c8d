// Puts what a repair took away, and can be read, back into the log: the whole frames of a `damaged-<time>/` directory
// are appended, in order, with new offsets. The events are as they were, also their times of receipt, so this is
// possible only before the log goes on.
//
// Frames that the log has already are left out, which are known by their payload. So it may be interrupted, and done
// again. The caller holds the writer's lock.

import { hash } from "node:crypto";
import { LogError } from "./errors.ts";
import type { EventLog } from "./event-log.ts";
import type { LogFile, LogFiles } from "./files.ts";
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES, segmentName } from "./format.ts";
import type { Frame } from "./frame-reader.ts";
import { wholeFrames } from "./frame-search.ts";
import { decodeRecords, receivedAtMsOf } from "./records.ts";
import { listSegments } from "./segments.ts";
import { readHeaders } from "./stored-header.ts";
import { openLog } from "./writer.ts";

export interface Salvaged {
  /** Events that were appended. */
  readonly appended: number;
  /** Events that the log had already. */
  readonly present: number;
  /** Events in frames whose records cannot be read, though their CRCs are right. */
  readonly unreadable: number;
  /** Segments that belong to another log. */
  readonly foreign: readonly string[];
  /** The offset behind the log's last event now. */
  readonly endOffset: number;
}

/**
 * Appends the frames of `damaged` to the log in `files`; `onRead` is told of the bytes that are done. Throws a LogError
 * "mismatch" when the log has gone on.
 */
export async function salvage(
  files: LogFiles,
  damaged: LogFiles,
  onRead: (bytes: number) => void = () => {},
): Promise<Salvaged> {
  const segments = await listSegments(damaged);
  const { log } = await openLog(files);
  try {
    return await appendMissing(log, files, damaged, segments, onRead);
  } finally {
    await log.close();
  }
}

async function appendMissing(
  log: EventLog,
  files: LogFiles,
  damaged: LogFiles,
  segments: readonly number[],
  onRead: (bytes: number) => void,
): Promise<Salvaged> {
  const present = await payloadsFrom(files, segments[0] ?? 0);
  const counts = { appended: 0, present: 0, unreadable: 0 };
  const foreign: string[] = [];
  for (const { name, segment, header } of await readHeaders(damaged, segments)) {
    if (typeof header !== "string" && header.logId !== log.id) {
      foreign.push(name);
      continue;
    }
    await eachFrame(damaged, segment, async (frame) => {
      const kind = present.has(payloadHash(frame)) ? "present" : await append(log, frame, name);
      counts[kind] += frame.header.count;
      onRead(frame.bytes.length);
    });
  }
  return { ...counts, foreign, endOffset: log.end };
}

/** The hashes of the payloads in the log's segments from the one at or before `offset` on. */
async function payloadsFrom(files: LogFiles, offset: number): Promise<Set<string>> {
  const payloads = new Set<string>();
  const segments = await listSegments(files);
  const first = segments.findLastIndex((segment) => segment <= offset);
  for (const segment of segments.slice(Math.max(0, first))) {
    await eachFrame(files, segment, async (frame) => {
      payloads.add(payloadHash(frame));
    });
  }
  return payloads;
}

async function append(log: EventLog, frame: Frame, name: string): Promise<"appended" | "unreadable"> {
  const times = receiptTimes(frame);
  if (!times) return "unreadable";
  if (times.first < log.lastReceivedAtMs) {
    throw new LogError(
      "mismatch",
      `the event at offset ${frame.header.firstOffset} of ${name} was received before the last event of the log, ` +
        "and cannot be put behind it: the log has gone on since it was repaired",
    );
  }
  const groups = [{ bytes: payloadOf(frame), count: frame.header.count }];
  await log.append({ groups, receivedAtMs: times.last });
  return "appended";
}

/** When the first and the last record of a frame were received; undefined when one is of no known kind. */
function receiptTimes(frame: Frame): { first: number; last: number } | undefined {
  try {
    const times = decodeRecords(frame).map(receivedAtMsOf);
    const [first, last] = [times[0], times.at(-1)];
    return first === undefined || last === undefined || times.includes(undefined)
      ? undefined
      : { first, last };
  } catch {
    return undefined;
  }
}

async function eachFrame(
  files: LogFiles,
  segment: number,
  use: (frame: Frame) => Promise<void>,
): Promise<void> {
  const file: LogFile = await files.open(segmentName(segment), "read");
  try {
    for await (const frame of wholeFrames(file, SEGMENT_HEADER_BYTES)) await use(frame);
  } finally {
    await file.close();
  }
}

function payloadOf({ bytes, header }: Frame): Buffer {
  return bytes.subarray(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + header.payloadBytes);
}

function payloadHash(frame: Frame): string {
  return hash("sha256", payloadOf(frame), "base64");
}
