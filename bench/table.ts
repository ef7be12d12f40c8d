// Figures as a table for people.

import type { Figure, Limit } from "./benchmark.ts";

/** One line for each figure: its name, value, spread, limit, and how it stands to that. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => ({
    name: figure.name,
    value: `${number(figure.value)} ${figure.unit}`,
    spread: figure.spread ? `${number(figure.spread[0])} to ${number(figure.spread[1])}` : "",
    limit: figure.limit ? limitText(figure.limit) : "",
    verdict: figure.limit ? verdict(figure.value, figure.limit) : "",
  }));
  const columns = ["name", "value", "spread", "limit", "verdict"] as const;
  const widths = columns.map((column) => Math.max(...rows.map((row) => row[column].length)));
  return rows
    .map((row) => {
      const cells = columns.map((column, index) => {
        const width = widths[index] ?? 0;
        return column === "name" || column === "verdict"
          ? row[column].padEnd(width)
          : row[column].padStart(width);
      });
      return `  ${cells.filter((_, index) => widths[index] !== 0).join("  ")}`.trimEnd();
    })
    .join("\n");
}

function limitText({ kind, value }: Limit): string {
  const words = { at_least: "at least", at_most: "at most", yardstick: "yardstick" };
  return `${words[kind]} ${number(value)}`;
}

function verdict(value: number, { kind, value: limit }: Limit): string {
  if (kind === "yardstick") return `${number((value / limit) * 100)} %`;
  return (kind === "at_least" ? value >= limit : value <= limit) ? "met" : "MISSED";
}

/** Three digits, or all of those before the point. */
function number(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toLocaleString("en", { maximumSignificantDigits: 3 });
}
