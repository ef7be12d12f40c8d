// `footfall log repair`: makes a damaged log one that can be opened again. Without --yes it only says what it would do.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type LogFiles, nodeLogFiles } from "../log/files.ts";
import { segmentName } from "../log/format.ts";
import { type Cut, DAMAGED_PREFIX, planRepair, type RepairPlan, repairLog } from "../log/repair.ts";
import { type LogReport, verifyLog } from "../log/verify.ts";
import { ReadModelReader } from "../readmodel/reader.ts";
import { logDirectory, problemLines } from "./log-verify.ts";
import { startReadCounter } from "./read-counter.ts";
import { withoutServer } from "./writer-locks.ts";

/**
 * Resolves to the text to print, and whether the log is good now. Throws a CliError when there is no log, or while a
 * server runs.
 */
export async function repair(data: string, isSure: boolean): Promise<{ text: string; isGood: boolean }> {
  const files = await nodeLogFiles(logDirectory(data));
  return withoutServer(data, () => repairLocked(files, data, isSure));
}

async function repairLocked(
  files: LogFiles,
  data: string,
  isSure: boolean,
): Promise<{ text: string; isGood: boolean }> {
  const counter = await startReadCounter(files);
  // The writer's lock is held already.
  const lock = () => ({ release: () => {} });
  const report = await verifyLog(files, { lock, onRead: counter.read }).finally(counter.stop);
  if (report.problems.length === 0) {
    const torn = report.torn
      ? "; the write that was cut short at its end is taken off at the next start of the server"
      : "";
    return { text: `the log is whole: there is nothing to repair${torn}\n`, isGood: true };
  }
  const found = `${problemLines(report.problems)}\n`;
  const plan = await planRepair(files, report);
  if (!plan) return { text: found + whyNot(report), isGood: false };
  const statement = found + describe(plan, report) + readModelNote(data, plan, report);
  if (!isSure) {
    const text = `${statement}nothing was changed: look for a whole copy of the file first; then, with --yes, this is done\n`;
    return { text, isGood: false };
  }
  const directory = join(files.directory, await repairLog(files, plan, new Date()));
  return {
    text: `${statement}done: the files as they were are in ${directory}\n${salvageNote(plan, files.directory)}`,
    isGood: report.problems.every(({ remedy }) => remedy.kind !== "none"),
  };
}

/** A repair that was cut short has taken away what stood behind: all that was ever set aside is named, the latest first. */
function salvageNote({ cut }: RepairPlan, logPath: string): string {
  const directories = readdirSync(logPath).filter((name) => name.startsWith(DAMAGED_PREFIX));
  if (!cut || (cut.readable === 0 && directories.length < 2)) return "";
  const commands = directories
    .toSorted()
    .reverse()
    .map((name) => `  footfall log salvage ${join(logPath, name)}\n`);
  return (
    "to append the events that can be read in them, with new offsets, do this before the server is started, in this " +
    `order:\n${commands.join("")}`
  );
}

function whyNot({ problems }: LogReport): string {
  if (problems.some(({ remedy }) => remedy.kind === "version")) {
    return "nothing was changed: another version of Footfall wrote this log, so use that one\n";
  }
  return "nothing was changed: the log can be opened and read as it is\n";
}

function describe({ headers, cut }: RepairPlan, report: LogReport): string {
  const lines = [...headers.keys()].map((segment) =>
    segment === cut?.segment && cut.offset === segment
      ? `${segmentName(segment)}: it gets a new header, and keeps no event`
      : `${segmentName(segment)}: its header is written again; its first frame proves that it is the right one`,
  );
  if (cut) lines.push(...describeCut(cut));
  else if (report.problems.some(({ remedy }) => remedy.kind === "mark")) {
    lines.push("durable: it is made anew to agree with the segments");
  }
  return `${lines.map((line) => `- ${line}\n`).join("")}\n`;
}

function describeCut(cut: Cut): string[] {
  const lines: string[] = [];
  if (cut.position === 0) lines.push(`${cut.name}: it is taken away, ${cut.bytes} bytes`);
  else if (cut.bytes > 0) {
    lines.push(
      `${cut.name}: bytes ${cut.position} to ${cut.position + cut.bytes - 1} are cut off, ${cut.bytes} bytes`,
    );
  }
  for (const segment of cut.behind) lines.push(`${segmentName(segment)}: it is taken away, whole`);
  lines.push("durable: it is made anew");
  const lost = cut.storedTo - cut.offset;
  lines.push(
    lost === 0
      ? "no event is known to be lost"
      : `${lost} events are lost, those with the offsets ${cut.offset} to ${cut.storedTo - 1}, as far as can be known; ` +
          `of these ${cut.readable} stand in whole frames of the files that are kept, and can be appended again`,
  );
  return lines;
}

/** What becomes of the statistics. */
function readModelNote(data: string, { cut }: RepairPlan, { endOffset }: LogReport): string {
  const end = cut?.offset ?? endOffset;
  const folded = foldedTo(data);
  if (folded === 0 || (folded !== undefined && folded <= end)) return "";
  const how =
    "the projector then refuses to go on (mismatch). Stop the server, keep a copy of analytics-*.db if these numbers " +
    "matter, remove analytics.db and analytics-*.db*, and start the server: it makes the statistics anew\n\n";
  return folded === undefined
    ? `it is not known whether the statistics hold events from offset ${end} on. If so, ${how}`
    : `the statistics hold events up to offset ${folded - 1}, beyond the end of the repaired log (${end}): ${how}`;
}

/** The offset behind the last event in the statistics; undefined when it cannot be read. */
function foldedTo(data: string): number | undefined {
  const reader = new ReadModelReader(data);
  try {
    return reader.checkpoint()?.nextOffset ?? 0;
  } catch {
    return undefined;
  } finally {
    reader.close();
  }
}
