// The file `log/durable`: how far the log is durable. The writer overwrites it in place after each sync, and readers
// go no further. It is not synced itself: after a power cut it may be old or broken, and the next open renews it.

import { type LogFiles, readFully } from "./files.ts";
import { DURABLE_MARK_BYTES, type DurableMark, decodeDurableMark } from "./format.ts";
import { isMissing } from "./segments.ts";

export const DURABLE_MARK_NAME = "durable";

/** The mark, or undefined when there is none or it is not whole (try again: it may be just being overwritten). */
export async function readDurableMark(files: LogFiles): Promise<DurableMark | undefined> {
  try {
    const file = await files.open(DURABLE_MARK_NAME, "read");
    try {
      const bytes = Buffer.alloc(DURABLE_MARK_BYTES);
      const count = await readFully(file, bytes, 0);
      return decodeDurableMark(bytes.subarray(0, count));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
