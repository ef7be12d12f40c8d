// Medians and other percentiles, and what several rounds come to.

/** The value that a share of `share` (0 to 1) of `values` does not exceed, by the nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
}

/** The middle one of `values`; of an even number, the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The median of what the rounds gave, and the lowest and the highest of it. */
export function overRounds(values: readonly number[]): { value: number; spread: [number, number] } {
  return { value: median(values), spread: [percentile(values, 0), percentile(values, 1)] };
}
