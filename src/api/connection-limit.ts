// How many connections a process takes: each has a descriptor, and so has each file. When connections take all of them, the log
// cannot begin its next segment, and statistics cannot be read.

import type { Server } from "node:net";
import type { Logger } from "pino";

/** The rest is for files: those of the log, of the read model, and about ten for each thread that answers questions. */
const CONNECTION_SHARE = 0.75;
/** Not more often than this is said that connections are closed, in ms. */
const TELLING_MS = 60_000;

/** How many connections leave enough of so many descriptors; Infinity, when these are not known to be limited. */
export function connectionsOf(descriptors: number | undefined): number {
  return descriptors === undefined ? Number.POSITIVE_INFINITY : Math.floor(CONNECTION_SHARE * descriptors);
}

/** How many descriptors this process may have, where that is limited. Node raises it to the hard limit when it starts.
 *  To be asked before there are connections: Node looks up the names of their peers. */
export function descriptorLimit(): number | undefined {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } };
  const soft = report.userLimits?.open_files?.soft;
  return typeof soft === "number" ? soft : undefined;
}

/** Lets `server` close further connections at once while it has `max`. */
export function limitConnections(server: Server, max: number, logger: Logger): void {
  server.maxConnections = max;
  let closed = 0;
  let toldAt = Number.NEGATIVE_INFINITY;
  server.on("drop", () => {
    closed += 1;
    if (performance.now() - toldAt < TELLING_MS) return;
    logger.warn(
      { max, closed },
      "connections are closed at once: there are as many as the limit of open files allows",
    );
    closed = 0;
    toldAt = performance.now();
  });
}
