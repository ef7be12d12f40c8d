import { fromBinary } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { type Logger, pino } from "pino";
import type { QueryStatsRequest } from "../../gen/ts/analytics/v1/query_pb.ts";
import { Origins } from "../../src/api/origin.ts";
import type { Status } from "../../src/api/status.ts";
import { eventBytes } from "../../src/api/undecoded.ts";
import {
  type Ingest,
  IngestError,
  type IngestOutcome,
  type Setting,
  type TakenEvent,
} from "../../src/ingest/ingest.ts";
import { type Origin, UNKNOWN_ORIGIN } from "../../src/ingest/origin.ts";
import { type EventInput, type ValidEvent, validateEvent } from "../../src/ingest/validate.ts";
import type { Queries, Reply } from "../../src/query/queries.ts";
import type { Reports, SiteStats, StatsQuery } from "../../src/readmodel/reports.ts";
import { NO_SETTINGS, type SiteSettings } from "../../src/readmodel/site-settings.ts";
import { decodeEvent, withLength } from "../ingest/event-bytes.ts";

/** The receipt time of all events of FakeIngest. */
const NOW_MS = Date.parse("2025-11-12T12:00:00Z");

/** Validates as the real one does, and stores in an array. */
export class FakeIngest implements Ingest {
  readonly stored: ValidEvent[] = [];
  readonly settings: Setting[] = [];
  /** Where each of them came from. */
  readonly origins: Origin[] = [];
  /** When set, every call is refused with it. */
  refusal: IngestError["code"] | undefined;
  /** When set, calls wait for it before they store. */
  gate: Promise<void> | undefined;
  calls = 0;

  async ingest(events: readonly EventInput[], origin = UNKNOWN_ORIGIN): Promise<IngestOutcome> {
    this.calls += 1;
    if (this.refusal) throw new IngestError(this.refusal, `refused: ${this.refusal}`);
    await this.gate;
    let firstId: string | undefined;
    let accepted = 0;
    const rejected: { index: number; reason: string }[] = [];
    for (const [index, input] of events.entries()) {
      const result = validateEvent(input, NOW_MS, origin.isLocal);
      if (result.ok) {
        this.stored.push(result.event);
        this.origins.push(origin);
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

  ingestPlainBatch(batch: Buffer): Promise<IngestOutcome> | undefined {
    return this.ingestPlain(eventBytes(fromBinary(EmptySchema, batch)) ?? []);
  }

  ingestPlainEvent(event: Buffer, origin: Origin): TakenEvent | undefined {
    const decoded = decodeEvent(withLength(event));
    if (!decoded || !validateEvent(decoded, NOW_MS, origin.isLocal).ok) return undefined;
    // At once, as the real one.
    if (this.refusal === "buffer_full") throw new IngestError("buffer_full", "refused: buffer_full");
    let eventId = "";
    const stored = this.ingest([decoded], origin).then(({ firstId = "" }) => {
      eventId = firstId;
    });
    return {
      stored,
      get eventId() {
        return eventId;
      },
    };
  }

  async record(setting: Setting): Promise<void> {
    if (this.refusal) throw new IngestError(this.refusal, `refused: ${this.refusal}`);
    this.settings.push(setting);
  }
}

class FakeReports implements Reports {
  readonly queries: StatsQuery[] = [];
  settings: SiteSettings = NO_SETTINGS;
  answer: SiteStats = { totalViews: 3, uniqueUsers: 2, topPaths: [{ path: "/a", views: 3 }] };

  stats(query: StatsQuery): SiteStats {
    this.queries.push(query);
    return this.answer;
  }

  site(): SiteSettings {
    return this.settings;
  }
}

class FakeQueries implements Queries {
  readonly asked: { readonly request: QueryStatsRequest; readonly deadlineMs: number }[] = [];
  reply: Reply = { kind: "answer", rows: [], rowCount: 0, from: "", to: "", timeZone: "UTC" };

  async ask(request: QueryStatsRequest, deadlineMs: number): Promise<Reply> {
    this.asked.push({ request, deadlineMs });
    return this.reply;
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
  return {
    ingest: new FakeIngest(),
    reports: new FakeReports(),
    queries: new FakeQueries(),
    status: new FakeStatus(),
    origins: new Origins(),
  };
}

export const silentLogger: Logger = pino({ level: "silent" });
