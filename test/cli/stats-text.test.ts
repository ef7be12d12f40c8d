// The screen of `footfall stats`, for reports that a test makes up.

import { expect, test } from "vitest";
import type { StatsReport, TableRow } from "../../src/cli/stats-report.ts";
import { durationText, reportText } from "../../src/cli/stats-text.ts";

const EMPTY: StatsReport = {
  ...{ siteId: "shop", name: "", timeZone: "UTC", from: "", to: "", events: 0, goals: [] },
  totals: { visitors: 0, visits: 0, pageviews: 0, views_per_visit: 0, bounce_rate: 0, visit_duration: 0 },
  bots: { pageviews: 0, areIncluded: false },
  tables: new Map(),
};
const WHOLE: StatsReport = {
  ...EMPTY,
  name: "The Shop",
  events: 12_500,
  totals: {
    ...{ visitors: 4321, visits: 5000, pageviews: 12_345 },
    ...{ views_per_visit: 2.469, bounce_rate: 0.4126, visit_duration: 83.2 },
  },
  bots: { pageviews: 1234, areIncluded: false },
  tables: new Map([
    ["path", rows(["/", 10_000], [`/${"long/".repeat(20)}`, 2000], ["", 345])],
    ["entry_page", rows(["/", 4000])],
    ["source", rows(["", 4000], ["Google", 321])],
  ]),
  goals: [{ name: "buys", visitors: 1000, conversionRate: 0.23143 }],
};

test("a site is shown in one screen", () => {
  expect(reportText(WHOLE)).toBe(`shop (The Shop)
all time, UTC

visitors  visits  page views  views/visit  bounce rate  visit duration
   4,321   5,000      12,345         2.47        41.3%          1m 23s

top pages                        views    entry pages                   visitors
/                               10,000    /                                4,000
/long/long/long/long/long/long/… 2,000
(none)                             345

sources                       visitors
(direct)                         4,000
Google                             321

bots: 1,234 page views, left out

goals                                                  visitors  conversion rate
buys                                                      1,000            23.1%
`);
});

test("no line is wider than 80 columns, whatever is in it, and none ends with a space", () => {
  const long = "🦶".repeat(300);
  const text = reportText({
    ...WHOLE,
    totals: { ...WHOLE.totals, visitors: 99_999_999, visits: 99_999_999, pageviews: 999_999_999 },
    tables: new Map([
      ["path", rows([long, 999_999_999])],
      ["browser", rows([long, 1])],
      ["country", rows([long, 1])],
    ]),
    goals: [{ name: long, visitors: 99_999_999, conversionRate: 1 }],
  });
  for (const line of text.split("\n")) {
    expect([...line].length).toBeLessThanOrEqual(80);
    expect(line).toBe(line.trimEnd());
  }
});

test("a site without events is told to have none, and what bots did", () => {
  expect(reportText(EMPTY)).toBe("shop\nall time, UTC\n\nno events\n");
  expect(reportText({ ...EMPTY, bots: { pageviews: 3, areIncluded: false }, goals: WHOLE.goals })).toBe(
    "shop\nall time, UTC\n\nno events\n\nbots: 3 page views, left out\n",
  );
});

test("bots that are let count are said to be counted", () => {
  expect(reportText({ ...WHOLE, bots: { pageviews: 5, areIncluded: true } })).toContain(
    "\nbots: 5 page views, counted\n",
  );
});

test.for([
  ["2025-03-01T00:00:00+01:00", "2025-04-01T00:00:00+02:00", "2025-03-01 to 2025-03-31"],
  ["2025-01-01T00:00:00+00:00", "2025-01-02T00:00:00+00:00", "2025-01-01"],
  ["2025-01-01T00:00:00+00:00", "2025-01-02T12:30:00.123+00:00", "2025-01-01 to 2025-01-02 12:30:00"],
  ["2025-01-01T08:00:00-05:00", "2025-01-02T00:00:00-05:00", "2025-01-01 08:00:00 to 2025-01-01"],
  ["", "2025-01-01T00:00:00+00:00", "until 2024-12-31"],
  ["", "", "all time"],
] as const)("a range from %s to %s is %s", ([from, to, text]) => {
  expect(reportText({ ...EMPTY, from, to })).toContain(`\n${text}, UTC\n`);
});

test.for([
  [0, "0s"],
  [59.6, "1m 00s"],
  [83.2, "1m 23s"],
  [3599, "59m 59s"],
  [3720, "1h 02m"],
  [3_600_000, "1,000h 00m"],
] as const)("%d seconds are %s", ([seconds, text]) => {
  expect(durationText(seconds)).toBe(text);
});

function rows(...all: readonly TableRow[]): readonly TableRow[] {
  return all;
}
