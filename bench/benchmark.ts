// What a benchmark is: it takes its surroundings, and gives figures, each beside its limit.

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The lowest and the highest of the values that `value` is the median of. */
  readonly spread?: readonly [number, number];
  /** Absent for a figure that only explains the others. */
  readonly limit?: Limit;
}

export interface Limit {
  /**
   * `at_least`, `at_most`: a goal, met or missed. `yardstick`: what was measured in the same run of the least that does
   * the same, and cannot be beaten.
   */
  readonly kind: "at_least" | "at_most" | "yardstick";
  readonly value: number;
}

export interface Settings {
  /** An access log, plain or gzipped; a default one when it is absent. */
  readonly log?: string;
  /** How many lines `import` imports. */
  readonly lines: number;
  /** How many events `fold` folds, and `query` asks about. */
  readonly events: number;
  /** How many single events are on their way at a time, where as many as possible are sent. */
  readonly connections: number;
  /** How often each figure is measured; what is reported is the median. */
  readonly rounds: number;
  /** How long it is measured each time. */
  readonly seconds: number;
  /** The size of the log that `start` begins with, in GB. */
  readonly logGb: number;
}

export interface Surroundings {
  readonly settings: Settings;
  /** A temporary directory, removed afterwards. */
  readonly directory: string;
  /** Aborts on Ctrl-C and when the time is up: then a benchmark ends as soon as it can, by throwing. */
  readonly signal: AbortSignal;
  /** What is to be undone, last first, whether the benchmark gives figures or throws. */
  readonly cleanup: AsyncDisposableStack;
  /** Tells people what is going on. */
  readonly note: (text: string) => void;
}

/** Throws when it cannot measure, or when what was measured did the wrong thing. */
export type Benchmark = (surroundings: Surroundings) => Promise<Figure[]>;
