// `footfall config`: the effective settings, and where each comes from.

import type { Command } from "commander";
import { formatDuration } from "../config.ts";

/** The settings that are kept in ms and written with a unit. */
const DURATIONS: ReadonlySet<string> = new Set(["dedupeWindow", "degradedLag"]);

const SOURCES: Readonly<Record<string, string>> = { default: "default", env: "environment", cli: "flag" };

/** One line for each setting of `command`: name, value and source. */
export function configText(command: Command): string {
  const rows = command.options.map((option) => {
    const key = option.attributeName();
    const source = command.getOptionValueSource(key) ?? "default";
    const from = source === "env" ? `${option.envVar}` : (SOURCES[source] ?? source);
    return { name: option.long?.slice(2) ?? key, value: show(key, command.getOptionValue(key)), from };
  });
  const nameWidth = Math.max(...rows.map((row) => row.name.length));
  const valueWidth = Math.max(...rows.map((row) => row.value.length));
  return rows
    .map((row) => `${row.name.padEnd(nameWidth)}  ${row.value.padEnd(valueWidth)}  (${row.from})\n`)
    .join("");
}

function show(key: string, value: unknown): string {
  if (DURATIONS.has(key) && typeof value === "number") return formatDuration(value);
  return value === undefined ? "-" : Array.isArray(value) ? value.join(",") : String(value);
}
