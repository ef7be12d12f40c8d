// A Program that runs one of our own scripts: this Node, with the arguments that come behind it.

import type { Surroundings } from "./benchmark.ts";
import { type Place, pinned } from "./pinning.ts";
import { Program } from "./program.ts";

export class NodeProcess extends Program {
  /** Without a `place` the system chooses where it runs. */
  constructor(args: readonly string[], surroundings: Surroundings, place?: Place) {
    const command = [process.execPath, ...args];
    super(place ? pinned(place, command) : command, surroundings);
  }
}
