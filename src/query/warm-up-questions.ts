// What a dashboard asks first.

export interface WarmUpQuestion {
  readonly dimension: string;
  /** About how many days it is. */
  readonly days: number;
}

export const WARM_UP_QUESTIONS: readonly WarmUpQuestion[] = [
  { dimension: "time:day", days: 30 },
  { dimension: "path", days: 30 },
  { dimension: "source", days: 30 },
  { dimension: "entry_page", days: 30 },
  { dimension: "time:month", days: 365 },
];
