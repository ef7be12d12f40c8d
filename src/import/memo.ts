// Remembers what a pure function answered, for inputs that come again and again.

/** How many answers are remembered; all are forgotten when there are more, which bounds the memory. */
const MAX_ENTRIES = 20_000;

/** Longer inputs are not remembered. */
const MAX_INPUT_LENGTH = 512;

/** `compute`, which must be pure, with a memory. */
export function memoized<T extends string | object>(compute: (input: string) => T): (input: string) => T {
  const answers = new Map<string, T>();
  return (input) => {
    const known = answers.get(input);
    if (known !== undefined) return known;
    const answer = compute(input);
    if (input.length <= MAX_INPUT_LENGTH) {
      if (answers.size >= MAX_ENTRIES) answers.clear();
      answers.set(detached(input), answer);
    }
    return answer;
  };
}

/** A copy of `text`: a slice of a string keeps the whole string in memory. */
export function detached(text: string): string {
  return Buffer.from(text).toString();
}
