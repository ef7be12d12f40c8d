// Puts the status together: from the log's writer when this process has it, else from the durable mark; and from the
// read model's checkpoint.

import type { Logger } from "pino";
import packageJson from "../../package.json" with { type: "json" };
import type { Ingestor } from "../ingest/ingestor.ts";
import { readDurableMark } from "../log/durable-mark.ts";
import { reasonOf } from "../log/errors.ts";
import type { EventLog, LogPosition } from "../log/event-log.ts";
import type { LogFiles } from "../log/files.ts";
import { readFromPosition, readFromStart } from "../log/reader.ts";
import { firstRecord, receivedAtMsOf } from "../log/records.ts";
import type { Status, StatusSource } from "./status.ts";

/** What is said during the drain, and to those whose events come after it. */
export const STOPPING = "the server is stopping";

export interface StatusDependencies {
  readonly files: LogFiles;
  /** Absent when this process does not take events in. */
  readonly ingestor: Ingestor | undefined;
  readonly log: () => EventLog | undefined;
  readonly checkpoint: () => LogPosition | undefined;
  /** Why the projector does not run, as far as this process knows; fit for senders. */
  readonly projectorProblem: () => string | undefined;
  /** Statistics that are further behind than this, in ms, are worth somebody's attention. */
  readonly degradedLagMs: number;
  /** Aborts when the process drains: it says so, though it still takes in what comes meanwhile. */
  readonly drain: AbortSignal;
  readonly now: () => number;
  readonly logger: Logger;
}

interface Projection {
  readonly projected: number;
  readonly lagMs: number;
  readonly problem: string | undefined;
}

export class StatusService implements StatusSource {
  readonly #dependencies: StatusDependencies;
  readonly #startedAtMs: number;
  #oldest: Promise<number | undefined> | undefined;

  constructor(dependencies: StatusDependencies) {
    this.#dependencies = dependencies;
    this.#startedAtMs = dependencies.now();
  }

  async status(): Promise<Status> {
    const { ingestor, now, drain } = this.#dependencies;
    let end = await this.#end();
    let projection = await this.#projection(end.offset);
    if (projection.projected > end.offset) {
      // Events may have come in and been folded since the end was looked up; if not, the log has lost what was folded.
      end = await this.#end();
      const { projected } = projection;
      if (end.logId !== "" && projected > end.offset) {
        const problem = `the statistics go up to offset ${projected}, and the log ends at ${end.offset}`;
        projection = { ...projection, problem };
      }
    }
    return {
      version: packageJson.version,
      uptimeMs: now() - this.#startedAtMs,
      ...stateOf(drain.aborted ? STOPPING : ingestor?.refusal, projection),
      logId: end.logId,
      logEnd: end.offset,
      projected: projection.projected,
      backlog: Math.max(0, end.offset + (ingestor?.waiting ?? 0) - projection.projected),
      lagMs: projection.lagMs,
    };
  }

  /** How far the read model is behind `end`, or why that cannot be told. */
  async #projection(end: number): Promise<Projection> {
    let projected = 0;
    try {
      const checkpoint = this.#dependencies.checkpoint();
      projected = checkpoint?.nextOffset ?? 0;
      const oldestMs = end > projected ? await this.#oldestUnfolded(checkpoint) : undefined;
      const lagMs = oldestMs === undefined ? 0 : Math.max(0, this.#dependencies.now() - oldestMs);
      return { projected, lagMs, problem: this.#projectionProblem(lagMs) };
    } catch (error) {
      this.#dependencies.logger.error({ err: error }, "the state of the read model cannot be told");
      return { projected, lagMs: 0, problem: `the read model cannot be trusted: ${reasonOf(error)}` };
    }
  }

  /** One look at the log for all that ask at a time: it reads a whole frame. */
  #oldestUnfolded(checkpoint: LogPosition | undefined): Promise<number | undefined> {
    this.#oldest ??= oldestUnfolded(this.#dependencies.files, checkpoint).finally(() => {
      this.#oldest = undefined;
    });
    return this.#oldest;
  }

  #projectionProblem(lagMs: number): string | undefined {
    const { projectorProblem, degradedLagMs } = this.#dependencies;
    const isLate = lagMs > degradedLagMs;
    return projectorProblem() ?? (isLate ? `the statistics are ${lagMs} ms behind` : undefined);
  }

  async #end(): Promise<{ logId: string; offset: number }> {
    const log = this.#dependencies.log();
    if (log) return { logId: log.id, offset: log.end };
    try {
      const mark = await readDurableMark(this.#dependencies.files);
      return { logId: mark?.logId ?? "", offset: mark?.nextOffset ?? 0 };
    } catch (error) {
      // A log whose files cannot be read is not open either, and the ingestor knows why. Health must still answer.
      this.#dependencies.logger.error({ err: error }, "the end of the log cannot be told");
      return { logId: "", offset: 0 };
    }
  }
}

function stateOf(refusal: string | undefined, projection: Projection): Pick<Status, "state" | "reason"> {
  if (refusal !== undefined) return { state: "unavailable", reason: refusal };
  if (projection.problem !== undefined) return { state: "degraded", reason: projection.problem };
  return { state: "healthy", reason: "" };
}

/** When the first event behind the checkpoint was received, in ms. */
async function oldestUnfolded(
  files: LogFiles,
  checkpoint: LogPosition | undefined,
): Promise<number | undefined> {
  const reader = checkpoint ? await readFromPosition(files, checkpoint) : await readFromStart(files);
  try {
    const next = await reader?.next();
    return next && receivedAtMsOf(firstRecord(next.frame));
  } finally {
    await reader?.close();
  }
}
