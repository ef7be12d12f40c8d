// Asks questions before anybody does: the first time, code is compiled, files are opened and columns are read, which takes
// longer than to answer.

import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import Database from "better-sqlite3";
import { QueryStatsRequestSchema } from "../../gen/ts/analytics/v1/query_pb.ts";
import { MS_PER_DAY } from "../ingest/timestamp.ts";
import type { Reply } from "./queries.ts";
import { replyTo } from "./reply.ts";
import type { StoredEvents } from "./stored-events.ts";
import type { WarmUpQuestion } from "./warm-up-questions.ts";

const METRICS = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"];
/** What a question may take, in ms. */
const TIME_LIMIT_MS = 1000;

/** Asks about the last events of the site with the most visitors; the reply, or undefined when there are no events. */
export function warmUp({ dimension, days }: WarmUpQuestion, stored: StoredEvents): Reply | undefined {
  const site = mostVisited(stored);
  if (!site) return undefined;
  const question: MessageInitShape<typeof QueryStatsRequestSchema> = {
    ...{ siteId: site.siteId, metrics: METRICS, dimensions: [dimension] },
    from: new Date(site.lastMs - days * MS_PER_DAY).toISOString(),
    to: new Date(site.lastMs).toISOString(),
    timeZone: "UTC",
  };
  const request = toBinary(QueryStatsRequestSchema, create(QueryStatsRequestSchema, question));
  const nowMs = Date.now();
  return replyTo({ request, nowMs, deadlineMs: nowMs + TIME_LIMIT_MS }, stored);
}

function mostVisited(stored: StoredEvents): ReturnType<StoredEvents["mostVisited"]> {
  try {
    return stored.mostVisited();
  } catch (error) {
    // As when the read model is of an older version: whoever asks is told why there is no answer.
    if (error instanceof Database.SqliteError) return undefined;
    throw error;
  }
}
