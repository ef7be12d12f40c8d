// `footfall log repair`: makes a damaged log one that can be opened again. Without --yes it only says what it would do.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ImportError } from "../import/import-error.ts";
import { ImportState, importStatePath } from "../import/import-state.ts";
import { KEY_FILE_NAME } from "../import/key-file.ts";
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
    // Of a repair that was killed before it was done, this may be missing.
    const note = isSure ? await importNote(data, report, report.endOffset) : "";
    return { text: `the log is whole: there is nothing to repair${torn}\n${note}`, isGood: true };
  }
  const found = `${problemLines(report.problems)}\n`;
  const plan = await planRepair(files, report);
  if (!plan) return { text: found + whyNot(report), isGood: false };
  const statistics = statisticsAfter(data, plan, report);
  const statement = found + describe(plan, report) + statistics.note;
  if (!isSure) {
    const text = `${statement}nothing was changed: look for a whole copy of the file first; then, with --yes, this is done\n`;
    return { text, isGood: false };
  }
  const directory = join(files.directory, await repairLog(files, plan, new Date()));
  const steps = nextSteps(plan, data, files.directory, statistics);
  const note = await importNote(data, report, endAfter(plan, report));
  return {
    text: `${statement}done: the files as they were are in ${directory}\n${steps}${note}`,
    isGood: report.problems.every(({ remedy }) => remedy.kind !== "none"),
  };
}

/** What is left to do, in order: salvage is possible only before the log goes on. */
function nextSteps(plan: RepairPlan, data: string, logPath: string, statistics: Statistics): string {
  const steps: string[] = [];
  const salvages = salvageCommands(plan, data, logPath);
  if (salvages.length > 0) {
    const commands = salvages.map((command) => `\n     ${command}`).join("");
    steps.push(`append the events that can be read in them, with new offsets:${commands}`);
  }
  if (statistics.isRefused) {
    const files = ["analytics.db", "analytics-*.db*"].map((name) => `${quoted(data)}/${name}`).join(" ");
    steps.push(`remove the statistics, or move them away if their numbers matter:\n     rm ${files}`);
  }
  steps.push(`start the server${statistics.isRefused ? ": it makes the statistics anew" : ""}`);
  return `what is left to do:\n${steps.map((step, index) => `  ${index + 1}. ${step}\n`).join("")}`;
}

/** As shells take it for one word. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/** A repair that was cut short has taken away what stood behind: all that was ever set aside is named, the latest first. */
function salvageCommands({ cut }: RepairPlan, data: string, logPath: string): string[] {
  const directories = readdirSync(logPath).filter((name) => name.startsWith(DAMAGED_PREFIX));
  if (!cut || (cut.readable === 0 && directories.length < 2)) return [];
  return directories
    .toSorted()
    .reverse()
    .map((name) => `npx footfall log salvage ${quoted(join(logPath, name))} --data ${quoted(data)}`);
}

/**
 * Makes void what the import state in `data` calls finished behind `end`, so that importing again brings it back; the text that
 * says so.
 */
async function importNote(data: string, { logId }: LogReport, end: number): Promise<string> {
  const path = importStatePath(join(data, KEY_FILE_NAME));
  if (logId === undefined || !existsSync(path)) return "";
  try {
    const state = await ImportState.open(path);
    const { lost, unknown } = await state.use({ logId, offset: end }).finally(() => state.close());
    return (lost > 0 ? importAgain(lost) : "") + (unknown > 0 ? importAll(unknown) : "");
  } catch (error) {
    // The log is repaired, and what was done to it is to be told.
    if (!(error instanceof ImportError)) throw error;
    return `${error.message}. Mend that, and give this command once more before the server is started\n`;
  }
}

function importAgain(blocks: number): string {
  return (
    `${blocks} blocks of lines that \`footfall import\` brought in stood, at least in part, behind the end of the repaired log: ` +
    "when the server runs again, import the same files again in the same way; what the log has of other blocks is not sent. " +
    "A line of these blocks that the log still has, or has again after a salvage, counts twice if it was received longer ago " +
    "than the dedupe window: so if all that was lost was imported, import again instead of a salvage\n"
  );
}

function importAll(blocks: number): string {
  return (
    `of ${blocks} blocks of lines that an earlier version imported it is not known where they stood, and importing their files ` +
    "again leaves them out: if some were lost, `footfall import --again` sends a whole file, and what the log still has of it " +
    "counts twice if it was received longer ago than the dedupe window\n"
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

interface Statistics {
  /** Whether the projector refuses to go on with them. */
  readonly isRefused: boolean;
  /** What is to be said of that; empty when nothing is. */
  readonly note: string;
}

/** What becomes of the statistics. */
function statisticsAfter(data: string, plan: RepairPlan, report: LogReport): Statistics {
  const end = endAfter(plan, report);
  const folded = foldedTo(data);
  if (folded === undefined) {
    const note = `the statistics cannot be read: should they hold events from offset ${end} on, they must be made anew\n\n`;
    return { isRefused: true, note };
  }
  if (folded <= end) return { isRefused: false, note: "" };
  const note =
    `the statistics hold events up to offset ${folded - 1}, beyond the end of the repaired log (${end}): the projector ` +
    "refuses to go on with them (mismatch), and they must be made anew\n\n";
  return { isRefused: true, note };
}

/** The offset behind the last event of the repaired log. */
function endAfter({ cut }: RepairPlan, { endOffset }: LogReport): number {
  return cut?.offset ?? endOffset;
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
