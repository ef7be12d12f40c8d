// Which core runs what: the server that is measured has one to itself, and the generator another. Without taskset, or
// with a single core, the system chooses.

import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { isInstalled } from "./installed.ts";

export type Place = "server" | "generator";

const CORES: Readonly<Record<Place, string>> = { server: "0", generator: "1" };

export const canPin = availableParallelism() > 1 && isInstalled("taskset");

/** The command that runs `command` on the core of `place`. */
export function pinned(place: Place, command: readonly string[]): readonly string[] {
  return canPin ? ["taskset", "--cpu-list", CORES[place], ...command] : command;
}

/** Moves a process that runs, with all of its threads. Those that it starts later follow. */
export function pin(place: Place, pid: number | undefined): void {
  if (!canPin) return;
  if (pid === undefined) throw new Error("there is no process to pin");
  const args = ["--all-tasks", "--cpu-list", "--pid", CORES[place], String(pid)];
  const { status, stderr } = spawnSync("taskset", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`process ${pid} cannot be pinned: ${stderr}`);
}
