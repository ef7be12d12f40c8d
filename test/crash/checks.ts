// What must hold after every round. Pure functions: from what was sent, what is in the log and what was counted to what
// is wrong. An empty list says that nothing is.

import type { LedgerEntry } from "./ledger.ts";
import { markerOf } from "./ledger.ts";

export interface LogEntry {
  readonly offset: number;
  readonly receivedAtMs: number;
  readonly siteId: string;
  readonly eventType: string;
  readonly path: string;
  readonly userId: string;
  readonly timestamp: string;
  /** The sender's id; empty when the server gave one. */
  readonly eventId: string;
}

/** `lost`, `doubled` and `invented` are of one event each. */
export interface Finding {
  readonly kind: "lost" | "doubled" | "invented" | "disorder" | "statistics" | "tables" | "server";
  readonly what: string;
}

export interface SiteTotals {
  readonly views: number;
  readonly users: number;
}

type Entries = ReadonlyMap<string, LedgerEntry>;

/** Acknowledged ⊆ log ⊆ sent: each event as often as it was acknowledged at least, and as it was sent at most. */
export function checkLog(sent: Entries, log: readonly LogEntry[]): Finding[] {
  const findings: Finding[] = [];
  const times = countByMarker(log);
  for (const [marker, { attempts, acknowledged }] of sent) {
    const stored = times.get(marker) ?? 0;
    const what = `${marker}: sent ${attempts}×, acknowledged ${acknowledged}×, in the log ${stored}×`;
    if (stored < acknowledged) findings.push({ kind: "lost", what });
    if (stored > attempts) findings.push({ kind: "doubled", what });
  }
  for (const entry of log) {
    const event = sent.get(markerOf(entry.path, entry.userId))?.event;
    const isAsSent =
      event &&
      event.siteId === entry.siteId &&
      event.eventType === entry.eventType &&
      event.path === entry.path &&
      event.userId === entry.userId &&
      event.eventId === entry.eventId &&
      (event.timestamp === "" || event.timestamp === entry.timestamp);
    if (!isAsSent) findings.push({ kind: "invented", what: `never sent so: ${JSON.stringify(entry)}` });
  }
  return findings;
}

/**
 * What is in the log counts, once when it has an id of its sender; what the log has lost, checkLog tells. `rows` are the
 * path and user id of each counted event.
 */
export function checkCounted(
  sent: Entries,
  log: readonly LogEntry[],
  rows: Iterable<{ readonly path: string | null; readonly userId: string | null }>,
): Finding[] {
  const findings: Finding[] = [];
  const stored = countByMarker(log);
  const counted = countByMarker(rows);
  for (const [marker, { event }] of sent) {
    const inLog = stored.get(marker) ?? 0;
    const has = counted.get(marker) ?? 0;
    const due = event.eventId === "" ? inLog : Math.min(1, inLog);
    const what = `${marker}: counts ${has}× in the statistics, not ${due}×`;
    if (has < due) findings.push({ kind: "lost", what });
    if (has > due) findings.push({ kind: "doubled", what });
  }
  for (const marker of counted.keys()) {
    if (!sent.has(marker)) findings.push({ kind: "invented", what: `counted and never sent: ${marker}` });
  }
  return findings;
}

/** Offsets number the log from 0 without holes. */
export function checkOffsets(log: readonly LogEntry[]): Finding[] {
  const index = log.findIndex(({ offset }, place) => offset !== place);
  if (index === -1) return [];
  return [{ kind: "disorder", what: `record ${index} of the log has offset ${log[index]?.offset}` }];
}

/** The time of receipt never decreases, also over restarts. */
export function checkReceiptTimes(log: readonly LogEntry[]): Finding[] {
  let before = 0;
  for (const { offset, receivedAtMs } of log) {
    if (receivedAtMs < before) {
      const what = `offset ${offset} was received at ${receivedAtMs}, the one before it at ${before}`;
      return [{ kind: "disorder", what }];
    }
    before = receivedAtMs;
  }
  return [];
}

/** The statistics that the log must lead to, by site, counted in the plainest way. */
export function totalsOf(log: readonly LogEntry[]): ReadonlyMap<string, SiteTotals> {
  const sites = new Map<string, { views: number; readonly users: Set<string> }>();
  const seen = new Set<string>();
  for (const { siteId, eventType, userId, eventId } of log) {
    const key = `${siteId} ${eventId}`;
    if (eventId !== "" && seen.has(key)) continue;
    seen.add(key);
    const site = sites.get(siteId) ?? { views: 0, users: new Set() };
    sites.set(siteId, site);
    if (eventType === "page_view") site.views += 1;
    if (userId !== "") site.users.add(userId);
  }
  return new Map(Array.from(sites, ([id, { views, users }]) => [id, { views, users: users.size }]));
}

/** The server's answers are the statistics that are due. */
export function checkTotals(
  due: ReadonlyMap<string, SiteTotals>,
  answered: ReadonlyMap<string, SiteTotals>,
): Finding[] {
  const findings: Finding[] = [];
  for (const [site, { views, users }] of due) {
    const answer = answered.get(site);
    if (answer?.views === views && answer.users === users) continue;
    const what = `site ${site}: ${answer?.views} views and ${answer?.users} users, not ${views} and ${users}`;
    findings.push({ kind: "statistics", what });
  }
  return findings;
}

function countByMarker(
  items: Iterable<{ readonly path: string | null; readonly userId: string | null }>,
): Map<string, number> {
  const times = new Map<string, number>();
  for (const { path, userId } of items) {
    const marker = markerOf(path, userId);
    times.set(marker, (times.get(marker) ?? 0) + 1);
  }
  return times;
}
