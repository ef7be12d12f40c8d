// Tells of the lines of one file that were not imported, the first ones by number.

import type { Block, LineProblem } from "./block.ts";
import type { SendResult } from "./sender.ts";

/** How many malformed and how many rejected lines of a file are named; the others are counted. */
const MAX_NAMED_LINES = 20;

export class FileReport {
  readonly #malformed: Problems;
  readonly #rejected: Problems;

  constructor(file: string, log: (text: string) => void) {
    this.#malformed = new Problems(file, "malformed", log);
    this.#rejected = new Problems(file, "rejected", log);
  }

  /** A block that is finished. */
  add(block: Block, result: SendResult): void {
    this.#malformed.add(block.malformed, 0);
    this.#rejected.add(block.rejected, 0);
    this.#rejected.add(result.rejected, result.rejectedCount - result.rejected.length);
  }

  /** Says how many lines were not named. */
  end(): void {
    this.#malformed.end();
    this.#rejected.end();
  }
}

class Problems {
  readonly #file: string;
  readonly #what: string;
  readonly #log: (text: string) => void;
  #named = 0;
  #unnamed = 0;

  constructor(file: string, what: string, log: (text: string) => void) {
    this.#file = file;
    this.#what = what;
    this.#log = log;
  }

  /** `problems`, and `further` ones whose lines are not known. */
  add(problems: readonly LineProblem[], further: number): void {
    const named = problems.slice(0, MAX_NAMED_LINES - this.#named);
    for (const { line, reason } of named) this.#log(`${this.#file}:${line}: ${this.#what}: ${reason}`);
    this.#named += named.length;
    this.#unnamed += problems.length - named.length + further;
  }

  end(): void {
    if (this.#unnamed > 0) this.#log(`${this.#file}: ${this.#unnamed} more ${this.#what} lines`);
  }
}
