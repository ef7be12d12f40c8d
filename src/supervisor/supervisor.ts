// `footfall serve`: runs the api and the projector as processes of their own, starts a crashed one again with
// back-off, and stops them in order: first the api, which may still store events, then the projector.

import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import type { Logger } from "pino";
import type { ServeConfig } from "../config.ts";
import { aborted, pause } from "../pause.ts";
import type { FromChild, ToChild } from "./child.ts";

/** Between restarts of a process that keeps ending, in ms: doubled each time, up to the second. */
const FIRST_RESTART_MS = 100;
const MAX_RESTART_MS = 10_000;
/** A process that ran this long, in ms, has recovered: the next restart is quick again. */
const STABLE_MS = 30_000;
/** What a process is given to drain, in ms: the whole stays below 5 s. */
const DRAIN_MS = 4000;
/** The projector gives way to ingestion. */
const PROJECTOR_NICENESS = 10;

/**
 * What a batch of events leaves behind would make V8 enlarge its heap by some 100 MB for each process, for next to no less work.
 * So the space for young objects is kept small (in MB), and the projector's heap grows to 2.3 times of what is in use, and not to
 * four, before its garbage is collected. Its two threads keep two cores busy: helpers that copy young objects or sweep would
 * only get into their way.
 */
export const PROJECTOR_FLAGS = [
  "--max-semi-space-size=16",
  "--heap-growing-percent=130",
  "--no-parallel-scavenge",
  "--no-concurrent-sweeping",
];
/**
 * V8's helper threads have the priority of the process, also where they collect the garbage of the threads that answer
 * questions: on few cores, taking events in would wait for them. Without helpers, marking in small steps lasts so long that
 * the buffers of requests add up, by 90 MB in an import; all at once it takes some 15 ms, and seldom happens.
 */
const API_FLAGS = ["--max-semi-space-size=8", "--single-threaded-gc", "--no-incremental-marking"];
const FLAGS = { api: API_FLAGS, projector: PROJECTOR_FLAGS };

/** Runs the roles of `config` until `stop` aborts. Resolves to the exit code. */
export async function supervise(config: ServeConfig, logger: Logger, stop: AbortSignal): Promise<number> {
  const fatal = new AbortController();
  const stopped = AbortSignal.any([stop, fatal.signal]);
  const report = (message: string) => {
    // The others fail for the same reason.
    if (fatal.signal.aborted) return;
    process.stderr.write(`footfall: ${message}\n`);
    fatal.abort();
  };
  const children: Child[] = [];
  let onProjectorProblem: (problem: string | undefined) => void = () => {};
  if (config.role.includes("ingest") || config.role.includes("report")) {
    const api = new Child("api", new URL("../api/process.ts", import.meta.url), config, logger, report);
    children.push(api);
    onProjectorProblem = (problem) => api.tellOfProjector(problem);
  }
  if (config.role.includes("projector")) {
    const entry = new URL("../projector/process.ts", import.meta.url);
    children.push(new Child("projector", entry, config, logger, report, onProjectorProblem));
  }
  const runs = children.map((child) => child.run(stopped));
  const urls = await Promise.race([Promise.all(children.map((child) => child.ready)), aborted(stopped)]);
  if (urls) {
    const url = urls.find((where) => where !== undefined);
    process.stdout.write(url ? `footfall ready on ${url}\n` : "footfall projector ready\n");
  }
  await aborted(stopped);
  await Promise.all(children.map((child) => child.stop()));
  await Promise.all(runs);
  return fatal.signal.aborted ? 1 : 0;
}

class Child {
  readonly #name: "api" | "projector";
  readonly #entry: URL;
  readonly #logger: Logger;
  readonly #onFatal: (message: string) => void;
  readonly #onProblem: (problem: string | undefined) => void;
  readonly #ready = Promise.withResolvers<string | undefined>();
  #config: ServeConfig;
  #process: ChildProcess | undefined;
  #wasReady = false;
  /** Why the process ended, as it said itself: for operators, and for senders. */
  #failure: { readonly message: string; readonly reason: string } | undefined;
  #projectorProblem: string | undefined;

  /** `onProblem` hears why the process does not run, and undefined when it serves. */
  constructor(
    name: "api" | "projector",
    entry: URL,
    config: ServeConfig,
    logger: Logger,
    onFatal: (message: string) => void,
    onProblem: (problem: string | undefined) => void = () => {},
  ) {
    this.#name = name;
    this.#entry = entry;
    this.#config = config;
    this.#logger = logger;
    this.#onFatal = onFatal;
    this.#onProblem = onProblem;
  }

  /** Resolves when the process first serves, to its URL if it has one. */
  get ready(): Promise<string | undefined> {
    return this.#ready.promise;
  }

  /** Keeps the process running until `stopped` aborts and it has ended. */
  async run(stopped: AbortSignal): Promise<void> {
    let restartMs = FIRST_RESTART_MS;
    while (!stopped.aborted) {
      const startedAt = Date.now();
      const how = await this.#runOnce();
      if (stopped.aborted) return;
      this.#onProblem(`the ${this.#name} is down: ${this.#failure?.reason ?? "it ended without a word"}`);
      if (Date.now() - startedAt > STABLE_MS) restartMs = FIRST_RESTART_MS;
      const error = this.#failure?.message;
      this.#logger.error(
        { process: this.#name, ...how, error, restartMs },
        "a process ended: starting it again",
      );
      await pause(restartMs, stopped);
      restartMs = Math.min(MAX_RESTART_MS, 2 * restartMs);
    }
  }

  /** Tells the process why the projector does not run; undefined when it does. Its successors are told as well. */
  tellOfProjector(problem: string | undefined): void {
    this.#projectorProblem = problem;
    if (this.#process) this.#tell(this.#process, { type: "projector", problem });
  }

  /**
   * Lets the process drain, and ends it when it takes too long; at once when it never served: it has nothing to finish,
   * and would not hear of it while it loads, or waits for a lock.
   */
  async stop(): Promise<void> {
    const child = this.#process;
    if (!child) return;
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    if (!this.#wasReady) {
      child.kill("SIGKILL");
      return ended;
    }
    const tooLong = setTimeout(() => {
      this.#logger.error({ process: this.#name }, "the process did not drain in time and is killed");
      child.kill("SIGKILL");
    }, DRAIN_MS);
    this.#tell(child, { type: "drain" });
    await ended;
    clearTimeout(tooLong);
  }

  #runOnce(): Promise<{ code: number | null; signal: string | null }> {
    return new Promise((resolve) => {
      const child = fork(this.#entry, {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
        execArgv: [...process.execArgv, ...FLAGS[this.#name]],
      });
      this.#process = child;
      child.on("message", (message: FromChild) => this.#onMessage(message));
      const ended = (code: number | null, signal: string | null) => {
        this.#process = undefined;
        resolve({ code, signal });
      };
      child.once("exit", ended);
      this.#failure = undefined;
      child.on("error", (error) => {
        this.#logger.error({ process: this.#name, err: error }, "process error");
        if (child.pid !== undefined) return;
        // It could not be started, and will not say that it has ended.
        const reason = `it cannot be started: ${error.message}`;
        this.#failure = { message: reason, reason };
        ended(null, null);
      });
      if (child.pid === undefined) return;
      if (this.#name === "projector") this.#lowerPriority(child.pid);
      this.#tell(child, { type: "projector", problem: this.#projectorProblem });
      this.#tell(child, { type: "start", config: this.#config });
    });
  }

  #lowerPriority(pid: number): void {
    try {
      setPriority(pid, PROJECTOR_NICENESS);
    } catch (error) {
      // It has just ended.
      this.#logger.warn({ process: this.#name, err: error }, "its priority could not be lowered");
    }
  }

  #onMessage(message: FromChild): void {
    if (message.type === "ready") {
      this.#wasReady = true;
      this.#onProblem(undefined);
      this.#ready.resolve(message.url);
      // With port 0, the port that was picked is kept over restarts.
      if (message.port !== undefined) this.#config = { ...this.#config, port: message.port };
    } else {
      this.#failure = message;
      if (!this.#wasReady) this.#onFatal(message.message);
    }
  }

  #tell(child: ChildProcess, message: ToChild): void {
    if (child.connected) child.send(message);
  }
}
