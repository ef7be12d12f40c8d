// A real `footfall serve`, as a user starts it: the supervisor with its api and projector processes. It knows nothing of
// the test runner: e2e/server.ts ends it with the test, and whoever else starts one says when its end is.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AtEnd } from "./temporary.ts";

const MAIN = join(import.meta.dirname, "../src/main.ts");
/** Far more than anything here takes on a busy machine, in ms. */
const PATIENCE_MS = 30_000;

/** The processes that a supervisor runs. */
export type ChildName = "api" | "projector";

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command of the command line, started. It is killed at the end. */
export class Running {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, atEnd: AtEnd) {
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
    });
    this.process = child;
    this.finished = once(child, "close").then(([code]) => ({
      code,
      stdout: this.stdout,
      stderr: this.stderr,
    }));
    atEnd(async () => {
      child.kill("SIGKILL");
      // Its children hold its pipes: this waits for them, too.
      await this.finished;
    });
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error("the process was not started");
    return this.process.pid;
  }

  /** The process id of a server's api or projector; undefined while there is none. */
  child(name: ChildName): number | undefined {
    return childOf(this.pid, name);
  }
}

export class Server {
  readonly url: string;
  readonly #running: Running;

  private constructor(running: Running, url: string) {
    this.#running = running;
    this.url = url;
  }

  /** Starts a server on `data`, on a free port unless one is given; resolves when it says that it is ready. */
  static async start(data: string, args: readonly string[], atEnd: AtEnd): Promise<Server> {
    return Server.of(new Running(["serve", "--data", data, ...args], {}, atEnd));
  }

  /** The server that was started by `running`, when it says that it is ready. */
  static async of(running: Running): Promise<Server> {
    let ended = false;
    void running.finished.then(() => {
      ended = true;
    });
    const url = await until("the server is ready", () => {
      if (ended) throw new Error(`the server did not start: ${running.stderr}`);
      return /footfall ready on (\S+)/.exec(running.stdout)?.[1];
    });
    return new Server(running, url);
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get pid(): number {
    return this.#running.pid;
  }

  get stderr(): string {
    return this.#running.stderr;
  }

  /** The process id of the api or the projector; undefined while there is none. */
  child(name: ChildName): number | undefined {
    return this.#running.child(name);
  }

  /** Sends `signal` to the supervisor and resolves when it has ended. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Finished> {
    process.kill(this.pid, signal);
    return this.#running.finished;
  }

  /** Kills a child as a crash would, and resolves when the supervisor has started another one. */
  async killChild(name: ChildName): Promise<void> {
    const before = await until(`there is a process ${name}`, () => this.child(name));
    process.kill(before, "SIGKILL");
    await until(`${name} was started again`, () => {
      const now = this.child(name);
      return now !== before ? now : undefined;
    });
  }

  /** GET, with the body read as JSON. */
  async getJson(path: string): Promise<Record<string, unknown>> {
    const response = await fetch(this.url + path);
    return (await response.json()) as Record<string, unknown>;
  }

  /** Resolves when all that is on disk is in the statistics. */
  async caughtUp(patienceMs = PATIENCE_MS): Promise<void> {
    const isCaughtUp = async () => {
      const health = await this.getJson("/health").catch(() => undefined);
      return health?.queue_size === 0 ? true : undefined;
    };
    await until("the projector has caught up", isCaughtUp, patienceMs);
  }
}

/** The process id of the api or projector of the server that `pid` is; undefined while there is none. */
export function childOf(pid: number, name: ChildName): number | undefined {
  return childrenOf(pid).find((child) => commandOf(child).includes(`/src/${name}/process.ts`));
}

/** Calls `probe` until it gives something; rejects when that takes too long, or with what `probe` throws. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | Promise<T | undefined>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const result = await probe();
    if (result !== undefined) return result;
    if (Date.now() > deadline) throw new Error(`waited ${patienceMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Whether `pid` still is a server's api or projector, which may have lost its supervisor. */
export function isChild(pid: number): boolean {
  return /\/src\/(api|projector)\/process\.ts/.test(commandOf(pid));
}

function childrenOf(pid: number): number[] {
  return readProc(pid, `task/${pid}/children`)
    .split(" ")
    .filter((text) => text !== "")
    .map(Number);
}

function commandOf(pid: number): string {
  return readProc(pid, "cmdline").replaceAll("\0", " ");
}

/** A file of /proc; empty when the process has gone. */
function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ESRCH"))
      return "";
    throw error;
  }
}
