// How a process that measures something lives: it prints what it found, as JSON, and leaves with whoever started it.

export interface Cost {
  readonly seconds: number;
  /** User and system time of all threads. */
  readonly cpuSeconds: number;
  /** The peak of the resident memory, in MB of 1,000,000 bytes. */
  readonly peakMb: number;
}

/** A clock that runs from now on. */
export function startCost(): () => Cost {
  const startedAt = performance.now();
  const earlier = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(earlier);
    return {
      seconds: (performance.now() - startedAt) / 1000,
      cpuSeconds: (user + system) / 1e6,
      peakMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    };
  };
}

export async function runOnce(measure: (...args: string[]) => Promise<unknown>): Promise<void> {
  process.stdin.on("end", () => process.exit()).resume();
  process.stdout.write(`${JSON.stringify(await measure(...process.argv.slice(2)))}\n`);
  process.stdin.destroy();
}
