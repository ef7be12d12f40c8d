// A site's statistics as one screen of text: 80 columns, two tables beside one another.

import type { StatsReport, TableRow } from "./stats-report.ts";

const SCREEN_WIDTH = 80;
const TABLE_GAP = 4;
const TABLE_WIDTH = (SCREEN_WIDTH - TABLE_GAP) / 2;
/** Between the columns of the totals. */
const TOTALS_GAP = "  ";

/** What a table is called, what is counted in it, and what stands for a value that events lack. */
const HEADS: { readonly [Dimension in Parameters<StatsReport["tables"]["get"]>[0]]: Head } = {
  path: { title: "top pages", unit: "views", without: "(none)" },
  entry_page: { title: "entry pages", unit: "visitors", without: "(none)" },
  source: { title: "sources", unit: "visitors", without: "(direct)" },
  channel: { title: "channels", unit: "visitors", without: "(unknown)" },
  browser: { title: "browsers", unit: "visitors", without: "(unknown)" },
  os: { title: "operating systems", unit: "visitors", without: "(unknown)" },
  device: { title: "devices", unit: "visitors", without: "(unknown)" },
  country: { title: "countries", unit: "visitors", without: "(unknown)" },
};

interface Head {
  readonly title: string;
  readonly unit: string;
  readonly without: string;
}

/** The screen, with a line break at its end. */
export function reportText(report: StatsReport): string {
  const { siteId, name, timeZone, events, tables } = report;
  const head = [name === "" ? siteId : `${siteId} (${name})`, `${rangeText(report)}, ${timeZone}`];
  const blocks =
    events === 0
      ? [["no events"]]
      : [totals(report), ...pairs([...tables].map(([dimension, rows]) => table(HEADS[dimension], rows)))];
  const rest = [bots(report), goals(report)];
  const shown = [head, ...blocks, ...rest].filter((lines) => lines.length > 0);
  return `${shown.map((lines) => lines.map((line) => line.trimEnd()).join("\n")).join("\n\n")}\n`;
}

function totals({ totals }: StatsReport): string[] {
  const figures = [
    ["visitors", count(totals.visitors)],
    ["visits", count(totals.visits)],
    ["page views", count(totals.pageviews)],
    ["views/visit", totals.views_per_visit.toFixed(2)],
    ["bounce rate", percent(totals.bounce_rate)],
    ["visit duration", durationText(totals.visit_duration)],
  ];
  const line = (row: 0 | 1) =>
    figures
      .map((figure) => figure[row]?.padStart(Math.max(...figure.map(({ length }) => length))))
      .join(TOTALS_GAP);
  return [line(0), line(1)];
}

function table({ title, unit, without }: Head, rows: readonly TableRow[]): string[] {
  if (rows.length === 0) return [];
  return [
    beside(title, unit, TABLE_WIDTH),
    ...rows.map(([value, number]) => beside(value || without, count(number), TABLE_WIDTH)),
  ];
}

/** The tables that have rows, each two of them beside one another. */
function pairs(tables: readonly string[][]): string[][] {
  const shown = tables.filter((lines) => lines.length > 0);
  const result: string[][] = [];
  for (let at = 0; at < shown.length; at += 2) {
    const [left = [], right = []] = shown.slice(at, at + 2);
    const height = Math.max(left.length, right.length);
    const gap = " ".repeat(TABLE_GAP);
    result.push(
      Array.from(
        { length: height },
        (_, line) => padded(left[line] ?? "", TABLE_WIDTH) + gap + (right[line] ?? ""),
      ),
    );
  }
  return result;
}

function bots({ bots: { pageviews, areIncluded } }: StatsReport): string[] {
  if (pageviews === 0) return [];
  return [`bots: ${count(pageviews)} page views, ${areIncluded ? "counted" : "left out"}`];
}

function goals({ goals, events }: StatsReport): string[] {
  if (goals.length === 0 || events === 0) return [];
  const columns = (visitors: string, rate: string) => visitors.padStart(12) + rate.padStart(17);
  return [
    beside("goals", columns("visitors", "conversion rate"), SCREEN_WIDTH),
    ...goals.map(({ name, visitors, conversionRate }) =>
      beside(name, columns(count(visitors), percent(conversionRate)), SCREEN_WIDTH),
    ),
  ];
}

/** The range: as days when it begins and ends with one. */
function rangeText({ from, to }: StatsReport): string {
  if (from === "" && to === "") return "all time";
  const end = isMidnight(to) ? dayBefore(to) : momentText(to);
  if (from === "") return `until ${end}`;
  const start = isMidnight(from) ? from.slice(0, 10) : momentText(from);
  return start === end ? start : `${start} to ${end}`;
}

function isMidnight(time: string): boolean {
  return /T00:00:00[+-]/.test(time);
}

function dayBefore(time: string): string {
  const day = new Date(`${time.slice(0, 10)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() - 1);
  return day.toISOString().slice(0, 10);
}

function momentText(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}

function count(value: number): string {
  return value.toLocaleString("en");
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)}%`;
}

/** Seconds as "1h 02m", "1m 23s" or "5s". */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const two = (part: number) => String(part).padStart(2, "0");
  if (hours > 0) return `${count(hours)}h ${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m ${two(whole % 60)}s` : `${whole}s`;
}

/** A text at the left, cut where it is too long, and one at the right. */
function beside(left: string, right: string, width: number): string {
  const room = width - right.length - 1;
  const characters = [...left];
  const cut = characters.length > room ? `${characters.slice(0, room - 1).join("")}…` : left;
  return `${padded(cut, room)} ${right}`;
}

/** Like padEnd, but by characters instead of UTF-16 units. */
function padded(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - [...text].length));
}
