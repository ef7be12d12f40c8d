// The place in the log up to which a read model holds the fold.

import type { LogPosition } from "../log/event-log.ts";

interface CheckpointRow {
  readonly log_id: string;
  readonly position: number;
  readonly segment: number;
  readonly frame_position: number;
  readonly frame_crc: number;
}

export const SELECT_CHECKPOINT =
  "SELECT log_id, position, segment, frame_position, frame_crc FROM projection WHERE id = 1";

/** The checkpoint in a row of SELECT_CHECKPOINT. */
export function toPosition(row: unknown): LogPosition | undefined {
  const checkpoint = row as CheckpointRow | undefined;
  if (!checkpoint || checkpoint.log_id === "") return undefined;
  return {
    logId: checkpoint.log_id,
    nextOffset: checkpoint.position,
    segment: checkpoint.segment,
    framePosition: checkpoint.frame_position,
    frameCrc: checkpoint.frame_crc,
  };
}
