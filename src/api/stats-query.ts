// The question behind GetStats and GET /stats, checked once for both.

import { textProblem } from "../ingest/text.ts";
import { isDate } from "../ingest/timestamp.ts";
import { MAX_SITE_ID_BYTES } from "../ingest/validate.ts";
import type { StatsQuery } from "../readmodel/reports.ts";

const DEFAULT_LIMIT = 10;
const MAX_LIMIT = 1000;

export type CheckedQuery =
  | { readonly ok: true; readonly query: StatsQuery }
  | { readonly ok: false; readonly reason: string };

/** An empty date counts as absent; `limit` undefined asks for the default. */
export function checkStatsQuery(siteId: string, date: string, limit: number | undefined): CheckedQuery {
  if (siteId === "") return { ok: false, reason: "Missing required parameter: site_id" };
  const problem = textProblem("site_id", siteId, MAX_SITE_ID_BYTES);
  if (problem !== undefined) return { ok: false, reason: problem };
  if (date !== "" && !isDate(date)) return { ok: false, reason: "Invalid date format. Expected YYYY-MM-DD" };
  const paths = limit ?? DEFAULT_LIMIT;
  if (!Number.isInteger(paths) || paths < 1 || paths > MAX_LIMIT) {
    return { ok: false, reason: `limit must be a whole number from 1 to ${MAX_LIMIT}` };
  }
  return { ok: true, query: { siteId, date: date === "" ? null : date, limit: paths } };
}
