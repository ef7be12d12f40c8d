// `start`: from the start of the server, with a large log, to the first event that it has accepted. The projector is
// left out: it starts no slower for a large log, but would fold it all the while.

import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Figure, Surroundings } from "./benchmark.ts";
import { copyAnswer } from "./copied-answer.ts";
import { makeLargeLog } from "./large-log.ts";
import { startServer } from "./server.ts";
import { POST_EVENT } from "./single-events.ts";
import { overRounds } from "./statistics.ts";

const GOAL_SECONDS = 1.5;
/** How much room there must be, for each byte of the log: nobody is to run out of it because of this. */
const ROOM = 2.5;

export async function benchmarkStart(surroundings: Surroundings): Promise<Figure[]> {
  const { settings, directory, note, signal, cleanup } = surroundings;
  const bytes = settings.logGb * 1e9;
  const { bavail, bsize } = await statfs(directory);
  const freeGb = (bavail * bsize) / 1e9;
  if (freeGb < settings.logGb * ROOM) {
    throw new Error(
      `${directory} has ${freeGb.toFixed(1)} GB free; a log of ${settings.logGb} GB needs ${settings.logGb * ROOM}: ` +
        "choose another directory with TMPDIR, or a smaller log with --log-gb",
    );
  }
  const data = join(directory, "data");
  cleanup.defer(() => rm(data, { recursive: true, force: true }));
  const events = await makeLargeLog(join(data, "log"), bytes, signal);
  note(`a log of ${settings.logGb} GB with ${events} events`);

  const ready: number[] = [];
  const accepted: number[] = [];
  for (let round = 1; round <= settings.rounds; round++) {
    const startedAt = performance.now();
    const server = await startServer(surroundings, { role: "ingest,report" });
    ready.push((performance.now() - startedAt) / 1000);
    await copyAnswer(server.url, POST_EVENT, signal);
    accepted.push((performance.now() - startedAt) / 1000);
    const stored = await server.logEnd();
    if (stored !== events + round) throw new Error(`the log ends at ${stored}, not ${events + round}`);
    await server.stop();
    note(`round ${round} of ${settings.rounds}`);
  }
  return [
    {
      name: `from the start to an accepted event, log of ${settings.logGb} GB`,
      unit: "s",
      ...overRounds(accepted),
      limit: { kind: "at_most", value: GOAL_SECONDS },
    },
    { name: "from the start to the ready line", unit: "s", ...overRounds(ready) },
  ];
}
