// A process that belongs to a benchmark: started from the project's root, and gone when the benchmark is.

import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { aborted, pause } from "../src/pause.ts";
import type { Surroundings } from "./benchmark.ts";

export const PROJECT_ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Longer than the server takes to drain, in ms. */
const STOP_MS = 10_000;
/** Of standard error, enough to say what went wrong. */
const KEPT_STDERR = 4000;

export class Program {
  readonly #child: ChildProcess;
  readonly #signal: AbortSignal;
  readonly #exit: Promise<void>;
  #stdout = "";
  #stderr = "";
  #onOutput: () => void = () => {};

  constructor([file = "", ...args]: readonly string[], { signal, cleanup }: Surroundings) {
    signal.throwIfAborted();
    this.#signal = signal;
    this.#child = spawn(file, args, {
      cwd: PROJECT_ROOT,
      env: withoutSettings(process.env),
      // Children of ours that read standard input leave at its end, even if we are killed.
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#exit = new Promise((resolve) => {
      this.#child.once("close", () => resolve());
      this.#child.once("error", () => resolve());
    });
    this.#child.stdin?.on("error", () => {});
    this.#child.stdout?.on("data", (chunk) => {
      this.#stdout += chunk;
      this.#onOutput();
    });
    this.#child.stderr?.on("data", (chunk) => {
      this.#stderr = (this.#stderr + chunk).slice(-KEPT_STDERR);
    });
    cleanup.defer(() => this.stop());
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error("the process could not be started");
    return this.#child.pid;
  }

  /** What it has printed once that matches `pattern`. Throws when it ends without. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    while (true) {
      const match = pattern.exec(this.#stdout);
      if (match) return match;
      if (this.#hasEnded()) throw this.#failure(`did not print ${pattern}`);
      const output = new Promise<void>((resolve) => {
        this.#onOutput = resolve;
      });
      await Promise.race([output, this.#exit, aborted(this.#signal)]);
      this.#signal.throwIfAborted();
    }
  }

  /** All that it printed, when it has ended well. Throws when it fails. */
  async output(): Promise<string> {
    await Promise.race([this.#exit, aborted(this.#signal)]);
    this.#signal.throwIfAborted();
    if (this.#child.exitCode !== 0) throw this.#failure("failed");
    return this.#stdout;
  }

  /** Ends it, if it has not ended. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return;
    this.#child.kill("SIGTERM");
    const ended = new AbortController();
    this.#exit.then(() => ended.abort());
    await pause(STOP_MS, ended.signal);
    if (ended.signal.aborted) return;
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  #hasEnded(): boolean {
    return this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  #failure(what: string): Error {
    const { exitCode, signalCode, spawnargs } = this.#child;
    const command = spawnargs.join(" ").slice(0, 200);
    return new Error(`${command} ${what} (${signalCode ?? exitCode}):\n${this.#stderr}`);
  }
}

/** Whoever measures has settings of a server of their own, perhaps; they must not change what is measured. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name !== "PORT" && !name.startsWith("FOOTFALL_")),
  );
}
