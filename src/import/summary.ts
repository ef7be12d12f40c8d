// What an import did, in figures.

import type { Block } from "./block.ts";
import type { SendResult } from "./sender.ts";

/** Each line read counts in `lines` and in one of the others; in `flagged` besides. */
export interface ImportSummary {
  readonly lines: number;
  /** Events that the server acknowledged. */
  readonly sent: number;
  /** Those of them that are of known bots, and flagged so by the server. */
  readonly flagged: number;
  /** Lines that are no successful GET. */
  readonly notPages: number;
  /** Static files left out. */
  readonly assets: number;
  /** Hits of known bots left out. */
  readonly bots: number;
  /** Events that an earlier import finished. */
  readonly alreadyImported: number;
  readonly malformed: number;
  /** Events that were not valid. */
  readonly rejected: number;
  readonly elapsedMs: number;
}

export const EMPTY_SUMMARY: ImportSummary = {
  lines: 0,
  sent: 0,
  flagged: 0,
  notPages: 0,
  assets: 0,
  bots: 0,
  alreadyImported: 0,
  malformed: 0,
  rejected: 0,
  elapsedMs: 0,
};

/** `summary` with a block that is finished. */
export function withBlock(summary: ImportSummary, block: Block, result: SendResult): ImportSummary {
  return {
    lines: summary.lines + block.lines,
    sent: summary.sent + result.accepted,
    flagged: summary.flagged + flaggedIn(block, result),
    notPages: summary.notPages + block.notPages,
    assets: summary.assets + block.assets,
    bots: summary.bots + block.bots,
    alreadyImported: summary.alreadyImported + block.alreadyImported,
    malformed: summary.malformed + block.malformed.length,
    rejected: summary.rejected + block.rejected.length + result.rejectedCount,
    elapsedMs: summary.elapsedMs,
  };
}

function flaggedIn({ events }: Block, { rejected }: SendResult): number {
  const rejectedLines = new Set(rejected.map(({ line }) => line));
  return events.filter(({ line, flagged }) => flagged && !rejectedLines.has(line)).length;
}

/** The summary for people, several lines. What did not occur is left out. */
export function formatSummary(summary: ImportSummary): string {
  const number = (value: number) => value.toLocaleString("en");
  const seconds = summary.elapsedMs / 1000;
  const rate = seconds > 0 ? summary.lines / seconds : 0;
  const figures: [number, string][] = [
    [summary.flagged, "of them bots, flagged as such (--include-bots lets them count)"],
    [summary.alreadyImported, "already imported"],
    [summary.notPages, "left out: no successful GET"],
    [summary.assets, "left out: static files (--include-assets keeps them)"],
    [summary.bots, "left out: bots (--include-bots lets them count)"],
    [summary.malformed, "malformed"],
    [summary.rejected, "rejected"],
  ];
  return [
    `${number(summary.lines)} lines read in ${seconds.toFixed(1)} s (${number(Math.round(rate))} lines/s)`,
    `${number(summary.sent)} events sent`,
    ...figures.filter(([count]) => count > 0).map(([count, what]) => `${number(count)} ${what}`),
    "",
  ].join("\n");
}
