// What must not happen to a log at the same time: a backup copies segments, a prune takes them away. The process that
// holds the writer's lock decides: the api while a server runs, else the command itself.

import { type ControlCommand, ControlError } from "../control/control.ts";
import type { LogFiles } from "../log/files.ts";
import { type PrunePlan, type PruneRule, planPrune, prune, readSealedSegments } from "../log/prune.ts";
import { foldedTo } from "../readmodel/folded.ts";

export interface PruneRequest {
  readonly rule: PruneRule;
  readonly mode: "archive" | "delete";
}

export class Maintenance {
  readonly #dataDirectory: string;
  readonly #files: LogFiles;
  #holds = 0;
  #isPruning = false;

  constructor(dataDirectory: string, files: LogFiles) {
    this.#dataDirectory = dataDirectory;
    this.#files = files;
  }

  /** Takes segments off the log; what that was. Throws a ControlError while a backup or another prune is under way. */
  async prune({ rule, mode }: PruneRequest): Promise<PrunePlan> {
    if (this.#holds > 0) throw new ControlError("a backup is under way: prune when it is done");
    if (this.#isPruning) throw new ControlError("another prune is under way");
    this.#isPruning = true;
    try {
      const { sealed, lastBytes } = await readSealedSegments(this.#files);
      const plan = planPrune(sealed, lastBytes, await foldedTo(this.#dataDirectory), rule);
      await prune(this.#files, plan, mode);
      return plan;
    } finally {
      this.#isPruning = false;
    }
  }

  /** Keeps every segment where it is until `signal` aborts. */
  async hold(signal: AbortSignal, onHeld: () => void): Promise<void> {
    if (this.#isPruning) throw new ControlError("a prune is under way: back up when it is done");
    this.#holds += 1;
    try {
      onHeld();
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener("abort", () => resolve(), { once: true });
      });
    } finally {
      this.#holds -= 1;
    }
  }

  /** As commands of the control socket. `hold` lasts as long as its client stays. */
  commands(): ReadonlyMap<string, ControlCommand> {
    return new Map<string, ControlCommand>([
      ["prune", async (args) => this.prune(readPruneRequest(args))],
      [
        "hold",
        async (_, progress, signal) => {
          await this.hold(signal, () => progress({ held: true }));
          return {};
        },
      ],
    ]);
  }
}

function readPruneRequest({ rule, mode }: Readonly<Record<string, unknown>>): PruneRequest {
  const isMode = mode === "archive" || mode === "delete";
  if (isMode && typeof rule === "object" && rule !== null) {
    if ("beforeMs" in rule && typeof rule.beforeMs === "number")
      return { rule: { beforeMs: rule.beforeMs }, mode };
    if ("keepBytes" in rule && typeof rule.keepBytes === "number")
      return { rule: { keepBytes: rule.keepBytes }, mode };
  }
  throw new ControlError("the request does not say what to prune");
}
