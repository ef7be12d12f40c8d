// analytics.v1.AnalyticsService over ingestion, read model and status. Streams are in ingest-stream.ts.

import type { Empty } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { AnalyticsService, ServiceState } from "../../gen/ts/analytics/v1/analytics_pb.ts";
import type { Ingest, IngestOutcome } from "../ingest/ingest.ts";
import { type Origin, originOfBatch } from "../ingest/origin.ts";
import type { EventInput } from "../ingest/validate.ts";
import type { Reports } from "../readmodel/reports.ts";
import { orFail, reportOrFail } from "./failures.ts";
import { ingestStream } from "./ingest-stream.ts";
import { QUESTION_JSON } from "./json-options.ts";
import { MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MAX_EVENT_BYTES } from "./message-size.ts";
import { NOT_STORED, ORIGIN } from "./origin.ts";
import { checkStatsQuery } from "./stats-query.ts";
import type { Status, StatusSource } from "./status.ts";
import { decoded, eventBytes, joinByCodec, undecoded } from "./undecoded.ts";

export interface AnalyticsDependencies {
  readonly ingest: Ingest;
  readonly reports: Reports;
  readonly status: StatusSource;
  /** Aborts when the process drains: streams end with what is on disk. */
  readonly drain: AbortSignal;
}

/** The largest message of a single event, of a question, and of a batch, in bytes. */
const SMALL_MESSAGE = { readMaxBytes: MAX_EVENT_BYTES };
const QUESTION = { readMaxBytes: MAX_EVENT_BYTES, jsonOptions: QUESTION_JSON };
const BATCH_MESSAGE = { readMaxBytes: MAX_BATCH_BYTES };

const STATES: Readonly<Record<Status["state"], ServiceState>> = {
  healthy: ServiceState.HEALTHY,
  degraded: ServiceState.DEGRADED,
  unavailable: ServiceState.UNAVAILABLE,
};

export function registerAnalyticsService(router: ConnectRouter, dependencies: AnalyticsDependencies): void {
  const { reports, status, drain } = dependencies;
  const { method } = AnalyticsService;
  const ingest = (events: readonly EventInput[], origin: Origin) =>
    ingestOrFail(events, origin, dependencies.ingest);
  const originOf = ({ values }: HandlerContext) => originOfBatch(values.get(ORIGIN));

  router.rpc(
    method.ingestEvent,
    async (request, { values }) => {
      const origin = values.get(ORIGIN);
      if (origin.refusesTracking) return { message: NOT_STORED };
      const { firstId = "", rejected } = await ingest([request], origin);
      if (rejected[0]) throw new ConnectError(rejected[0].reason, Code.InvalidArgument);
      return { message: "Event received", eventId: firstId };
    },
    SMALL_MESSAGE,
  );

  /** Throws when the batch cannot be decoded. A message of a stream has the field that a whole batch has. */
  const ingestUndecoded = (batch: Empty, origin: Origin) => {
    const events = eventBytes(batch);
    const fields = batch.$unknown?.length ?? 0;
    if (fields > MAX_BATCH_EVENTS) return Promise.reject(tooMany(fields));
    const stored = events && dependencies.ingest.ingestPlain(events);
    return stored ? orFail(stored) : ingest(decoded(method.ingestEvents.input, batch).events, origin);
  };

  router.rpc(
    method.ingestEvents,
    async ({ events }, context) => batchAnswer(await ingest(events, originOf(context))),
    BATCH_MESSAGE,
  );
  router.rpc(
    undecoded(method.ingestEvents),
    async (batch, context) => batchAnswer(await ingestUndecoded(batch, originOf(context))),
    BATCH_MESSAGE,
  );
  joinByCodec(router);

  router.rpc(
    method.ingestEventStream,
    (requests, context) => ingestStream(requests, ({ events }) => ingest(events, originOf(context)), drain),
    BATCH_MESSAGE,
  );
  router.rpc(
    undecoded(method.ingestEventStream),
    (requests, context) =>
      ingestStream(requests, (batch) => ingestUndecoded(batch, originOf(context)), drain),
    BATCH_MESSAGE,
  );
  joinByCodec(router);

  router.rpc(
    method.getStats,
    async ({ siteId, date = "", limit }) => {
      const checked = checkStatsQuery(siteId, date, limit === 0 ? undefined : limit);
      if (!checked.ok) throw new ConnectError(checked.reason, Code.InvalidArgument);
      const { query } = checked;
      const stats = await reportOrFail(() => reports.stats(query));
      return {
        siteId,
        ...(query.date !== null && { date: query.date }),
        totalViews: BigInt(stats.totalViews),
        uniqueUsers: BigInt(stats.uniqueUsers),
        topPaths: stats.topPaths.map(({ path, views }) => ({ path, views: BigInt(views) })),
      };
    },
    QUESTION,
  );

  router.rpc(
    method.getStatus,
    async () => {
      const now = await status.status();
      return {
        version: now.version,
        uptimeMs: BigInt(now.uptimeMs),
        state: STATES[now.state],
        reason: now.reason,
        logId: now.logId,
        logEnd: BigInt(now.logEnd),
        projected: BigInt(now.projected),
        backlog: BigInt(now.backlog),
        lagMs: BigInt(now.lagMs),
      };
    },
    QUESTION,
  );
}

async function ingestOrFail(
  events: readonly EventInput[],
  origin: Origin,
  ingest: Ingest,
): Promise<IngestOutcome> {
  if (events.length > MAX_BATCH_EVENTS) throw tooMany(events.length);
  return orFail(ingest.ingest(events, origin));
}

function tooMany(count: number): ConnectError {
  return new ConnectError(
    `events has ${count} entries; at most ${MAX_BATCH_EVENTS} are allowed: split the batch`,
    Code.InvalidArgument,
  );
}

function batchAnswer({ accepted, rejected }: IngestOutcome) {
  return {
    acceptedCount: BigInt(accepted),
    rejected: rejected.map(({ index, reason }) => ({ index: BigInt(index), reason })),
  };
}
