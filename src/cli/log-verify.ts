// `footfall log verify`: reads the whole log and says what is wrong with it. It changes nothing, and works beside a
// running server.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { nodeLogFiles } from "../log/files.ts";
import { type ProcessLock, takeLock } from "../log/lock.ts";
import type { Problem } from "../log/problem.ts";
import { type LogReport, verifyLog } from "../log/verify.ts";
import { CliError } from "./cli-error.ts";
import { startReadCounter } from "./read-counter.ts";

/** Resolves to the text to print, and whether the log is whole. Throws a CliError when there is no log. */
export async function verify(data: string): Promise<{ text: string; isWhole: boolean }> {
  const files = await nodeLogFiles(logDirectory(data));
  const lock = () => writersLock(join(data, "ingest.lock"));
  const counter = await startReadCounter(files);
  const report = await verifyLog(files, { lock, onRead: counter.read }).finally(counter.stop);
  return { text: summary(report) + verdict(report), isWhole: report.problems.length === 0 };
}

/** Where the log of data directory `data` is; throws a CliError when there is none. */
export function logDirectory(data: string): string {
  const directory = join(data, "log");
  if (existsSync(directory)) return directory;
  throw new CliError(`there is no event log in ${data}: name the server's data directory with --data`);
}

/** The lock when nobody writes the log; undefined when a server does, or when it cannot be known. */
function writersLock(path: string): ProcessLock | undefined {
  // Without the file no server ever ran here, and none is to be made: nothing is changed.
  if (!existsSync(path)) return { release: () => {} };
  try {
    return takeLock(path, "writing this log");
  } catch {
    return undefined;
  }
}

function summary(report: LogReport): string {
  const { firstOffset, endOffset, torn } = report;
  const offsets = endOffset > firstOffset ? ` (offsets ${firstOffset} to ${endOffset - 1})` : "";
  const lines = [
    `log       ${report.logId ?? "-"}`,
    `segments  ${report.segments}`,
    `frames    ${report.frames}`,
    `events    ${report.records}${offsets}`,
    `bytes     ${report.bytes}`,
    `read      ${report.isToEnd ? "to the end" : "up to the durable mark, as a server is writing or the lock cannot be taken"}`,
  ];
  if (report.isToEnd && !report.mark && report.segments > 0) {
    lines.push("note      there is no whole durable mark; the next start of the server makes one");
  }
  if (torn) {
    const place = `${torn.file} from byte ${torn.position}, ${torn.bytes} bytes`;
    lines.push(`note      a write was cut short (${place}); the next start of the server takes it off`);
  }
  return `${lines.join("\n")}\n\n`;
}

function verdict({ problems }: LogReport): string {
  if (problems.length === 0) return "the log is whole\n";
  return `${problemLines(problems)}\nthe log is damaged: see \`footfall log repair\` and docs/operations.md\n`;
}

/** A line for each problem: file, byte, and what is wrong. */
export function problemLines(problems: readonly Problem[]): string {
  return problems.map(({ file, position, problem }) => `${file}, byte ${position}: ${problem}\n`).join("");
}
