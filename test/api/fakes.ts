import { type Logger, pino } from "pino";
import type { Status } from "../../src/api/status.ts";
import { type Ingest, IngestError, type IngestOutcome } from "../../src/ingest/ingest.ts";
import { type EventInput, type ValidEvent, validateEvent } from "../../src/ingest/validate.ts";
import type { Reports, SiteStats, StatsQuery } from "../../src/readmodel/reports.ts";
import { decodeEvent, withLength } from "../ingest/event-bytes.ts";

/** The receipt time of all events of FakeIngest. */
const NOW_MS = Date.parse("2025-11-12T12:00:00Z");

/** Validates as the real one does, and stores in an array. */
export class FakeIngest implements Ingest {
  readonly stored: ValidEvent[] = [];
  /** When set, every call is refused with it. */
  refusal: IngestError["code"] | undefined;
  /** When set, calls wait for it before they store. */
  gate: Promise<void> | undefined;
  calls = 0;

  async ingest(events: readonly EventInput[]): Promise<IngestOutcome> {
    this.calls += 1;
    if (this.refusal) throw new IngestError(this.refusal, `refused: ${this.refusal}`);
    await this.gate;
    let firstId: string | undefined;
    let accepted = 0;
    const rejected: { index: number; reason: string }[] = [];
    for (const [index, input] of events.entries()) {
      const result = validateEvent(input, NOW_MS);
      if (result.ok) {
        this.stored.push(result.event);
        firstId ??= result.event.eventId || `made-${this.stored.length}`;
        accepted += 1;
      } else rejected.push({ index, reason: result.reason });
    }
    return { accepted, rejected, ...(firstId !== undefined && { firstId }) };
  }

  /** Takes what is valid for plain. */
  ingestPlain(events: readonly Uint8Array[]): Promise<IngestOutcome> | undefined {
    const decoded = events.map(decodeEvent);
    const areValid = decoded.every((event) => event && validateEvent(event, NOW_MS).ok);
    return areValid ? this.ingest(decoded.filter((event) => event !== undefined)) : undefined;
  }

  ingestPlainEvent(event: Buffer): Promise<string> | undefined {
    return this.ingestPlain([withLength(event)])?.then(({ firstId = "" }) => firstId);
  }
}

class FakeReports implements Reports {
  readonly queries: StatsQuery[] = [];
  answer: SiteStats = { totalViews: 3, uniqueUsers: 2, topPaths: [{ path: "/a", views: 3 }] };

  stats(query: StatsQuery): SiteStats {
    this.queries.push(query);
    return this.answer;
  }
}

class FakeStatus {
  current: Status = {
    version: "1.2.3",
    uptimeMs: 5,
    state: "healthy",
    reason: "",
    logId: "0198c0de-0000-7000-8000-0123456789ab",
    logEnd: 10,
    projected: 7,
    backlog: 3,
    lagMs: 20,
  };

  async status(): Promise<Status> {
    return this.current;
  }
}

export function fakes() {
  return { ingest: new FakeIngest(), reports: new FakeReports(), status: new FakeStatus() };
}

export const silentLogger: Logger = pino({ level: "silent" });
