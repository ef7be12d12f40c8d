// What a soak run shows: a pure function of what was seen.

export interface Sample {
  readonly at: string;
  readonly acknowledged: number;
  readonly backlog: number;
  readonly lagMs: number;
  readonly walMb: number;
  readonly databaseMb: number;
  readonly statsP50Ms: number;
  readonly statsP99Ms: number;
  readonly rssMb: Readonly<Record<ProcessName, number>>;
}

type ProcessName = "supervisor" | "api" | "projector";

export interface SoakRun {
  readonly samples: readonly Sample[];
  readonly acknowledged: ReadonlyMap<string, number>;
  /** Views by site, at the end. */
  readonly counted: ReadonlyMap<string, number>;
  readonly errors: readonly string[];
  readonly overloads: number;
  readonly exitCode: number | null;
  /** What the server logged from level warn on. */
  readonly log: string;
}

/** The journal is cut back to 64 MiB; one batch may be on top of what is kept while it is copied. */
const MAX_WAL_MB = 128;
/** How much more memory the last quarter of a run may take than the second one: what is noise, and no leak. */
const MAX_GROWTH = 1.1;

export interface Verdict {
  readonly problems: readonly string[];
  readonly seconds: number;
  readonly acknowledged: number;
  readonly eventsPerSecond: number;
  readonly overloads: number;
  readonly peakWalMb: number;
  readonly databaseMb: number;
  readonly worstStatsP99Ms: number;
  readonly rssMb: Readonly<
    Record<string, { readonly second: number; readonly last: number; readonly peak: number }>
  >;
}

export function verdict(run: SoakRun): Verdict {
  const { samples } = run;
  const acknowledged = [...run.acknowledged.values()].reduce((sum, count) => sum + count, 0);
  const first = samples[0];
  const last = samples.at(-1);
  const seconds = first && last ? (Date.parse(last.at) - Date.parse(first.at)) / 1000 : 0;
  const peakWalMb = Math.max(0, ...samples.map(({ walMb }) => walMb));
  const rssMb = Object.fromEntries(
    (["supervisor", "api", "projector"] as const).map((name) => [name, memoryOf(samples, name)]),
  );
  const problems = [
    ...run.errors.slice(0, 10),
    ...(run.log === "" ? [] : [`the server logged: ${run.log.slice(0, 1000)}`]),
    ...(run.exitCode === 0 ? [] : [`exit code ${run.exitCode}`]),
    ...(peakWalMb > MAX_WAL_MB ? [`the write-ahead log grew to ${peakWalMb} MB`] : []),
    ...(samples.length < 8 ? ["too short to tell whether memory stays flat"] : []),
  ];
  for (const [site, count] of run.acknowledged) {
    const counted = run.counted.get(site);
    if (counted !== count) problems.push(`${site}: ${count} acknowledged, ${counted} counted`);
  }
  for (const [name, { second, last: end }] of Object.entries(rssMb)) {
    if (end > second * MAX_GROWTH) problems.push(`the memory of ${name} grew from ${second} to ${end} MB`);
  }
  return {
    problems,
    seconds,
    acknowledged,
    eventsPerSecond:
      seconds > 0 ? Math.round(((last?.acknowledged ?? 0) - (first?.acknowledged ?? 0)) / seconds) : 0,
    overloads: run.overloads,
    peakWalMb,
    databaseMb: last?.databaseMb ?? 0,
    worstStatsP99Ms: Math.max(0, ...samples.map(({ statsP99Ms }) => statsP99Ms)),
    rssMb,
  };
}

/** Medians of the second and of the last quarter, and the peak. */
function memoryOf(samples: readonly Sample[], name: ProcessName) {
  const all = samples.map(({ rssMb }) => rssMb[name]);
  const quarter = Math.floor(all.length / 4);
  return {
    second: median(all.slice(quarter, 2 * quarter)),
    last: median(all.slice(all.length - quarter)),
    peak: Math.max(0, ...all),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
