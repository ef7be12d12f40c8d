// How much memory and CPU time processes and their children took, from /proc of Linux; elsewhere it knows nothing.
//
// The kernel keeps the peak of the memory itself (VmHWM), so looking now and then misses only what a process takes in
// the last moment before its end.

import { existsSync, readdirSync, readFileSync } from "node:fs";

const SAMPLE_MS = 100;
/** The kernel counts CPU time in these; it is 100 on every Linux. */
const TICKS_PER_SECOND = 100;

interface Usage {
  /** The peak of the resident memory, in MB of 1,000,000 bytes. */
  readonly peakMb: number;
  /** User and system time of all threads since the watch began. */
  readonly cpuSeconds: number;
}

interface UsageWatch {
  /** What was seen up to now: by the name of the process, and by its entry's directory for a child. */
  usage(): ReadonlyMap<string, Usage>;
  [Symbol.dispose](): void;
}

interface Seen extends Usage {
  readonly name: string;
  /** The CPU time that it had taken before it was watched. */
  readonly earlierSeconds: number;
}

/** Watches the processes in `roots`, by their names, and their descendants, until it is disposed of. */
export function watchUsage(roots: ReadonlyMap<string, () => number | undefined>): UsageWatch {
  const seen = new Map<number, Seen>();
  let isFirst = true;
  const sample = () => {
    for (const [name, pid] of roots) sampleTree(pid(), name, seen, isFirst);
    isFirst = false;
  };
  sample();
  const timer = setInterval(sample, SAMPLE_MS);
  return {
    usage() {
      sample();
      const usages = new Map<string, Usage>();
      for (const { name, peakMb, cpuSeconds, earlierSeconds } of seen.values()) {
        const other = usages.get(name) ?? { peakMb: 0, cpuSeconds: 0 };
        usages.set(name, {
          peakMb: Math.max(peakMb, other.peakMb),
          cpuSeconds: cpuSeconds - earlierSeconds + other.cpuSeconds,
        });
      }
      return usages;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

function sampleTree(pid: number | undefined, name: string, seen: Map<number, Seen>, isFirst: boolean): void {
  if (pid === undefined) return;
  try {
    const usage = { name, peakMb: peakMb(pid), cpuSeconds: cpuSeconds(pid) };
    const earlierSeconds = seen.get(pid)?.earlierSeconds ?? (isFirst ? usage.cpuSeconds : 0);
    // A process that has just ended and was not waited for yet has no memory any more.
    if (usage.peakMb > 0) seen.set(pid, { ...usage, earlierSeconds });
    for (const child of childrenOf(pid)) sampleTree(child, nameOf(child) ?? name, seen, isFirst);
  } catch {
    // It has just ended, or there is no /proc.
  }
}

function peakMb(pid: number): number {
  const kib = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return (Number(kib ?? 0) * 1024) / 1e6;
}

/** User and system time of the children of this process that have ended, theirs included, in seconds; 0 without /proc. */
export function endedChildrenSeconds(): number {
  return existsSync("/proc/self/stat") ? secondsAt("self", 13) : 0;
}

/** The process with this name among the children of `pid`. */
export function childNamed(pid: number, name: string): number | undefined {
  return existsSync("/proc/self/stat") ? childrenOf(pid).find((child) => nameOf(child) === name) : undefined;
}

function cpuSeconds(pid: number): number {
  return secondsAt(String(pid), 11);
}

/**
 * The sum of two of the numbers behind the name of the process, which stands in parentheses and may have spaces: from 11
 * on, its user and system time, and those of its children that have ended.
 */
function secondsAt(pid: string, first: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND;
}

function childrenOf(pid: number): number[] {
  const threads = readdirSync(`/proc/${pid}/task`);
  const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
  return lists.flatMap((list) => list.split(" ").filter(Boolean)).map(Number);
}

/** "api" for a child that runs src/api/process.ts. */
function nameOf(pid: number): string | undefined {
  return /\/src\/(\w+)\/process\.ts\0/.exec(readFileSync(`/proc/${pid}/cmdline`, "utf8"))?.[1];
}
