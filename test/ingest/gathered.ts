import { setImmediate as turn } from "node:timers/promises";
import { GATHER_TURNS } from "../../src/ingest/buffer.ts";

/** Resolves when what was added to an idle buffer before is being written. */
export async function gathered(): Promise<void> {
  for (let turns = 0; turns < GATHER_TURNS; turns += 1) await turn();
}
