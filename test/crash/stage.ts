// A data directory and the server on it, which is killed and started again; and all that was ever sent to it.

import { rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pause } from "../../src/pause.ts";
import { type ChildName, isChild, Running, Server, until } from "../server-process.ts";
import { Ledger } from "./ledger.ts";
import type { KillKind } from "./plan.ts";
import { type Random, randomFrom } from "./random.ts";
import { DEDUPE_WINDOW } from "./stored.ts";

/** Below the ports that the kernel gives to clients: one of those could connect to itself while the server is down. */
const PORTS = { min: 10_000, max: 32_000 };
/** A supervisor waits longer before each restart of a child: after so many kills it makes way for a new one. */
const MAX_CHILD_KILLS = 4;

export class Stage {
  readonly directory: string;
  readonly data: string;
  readonly ledger = new Ledger();
  /** How many rounds were played here. */
  rounds = 0;
  /** How many writes that a crash cut short were found here. */
  torn = 0;
  readonly #port: number;
  readonly #signal: AbortSignal;
  readonly #started: Running[] = [];
  readonly #orphans: { running: Running; pids: number[] }[] = [];
  readonly #cleanUps: (() => void | Promise<void>)[] = [];
  #childKills = 0;
  #running: Running | undefined;

  private constructor(directory: string, port: number, signal: AbortSignal) {
    this.directory = directory;
    this.data = join(directory, "data");
    this.#port = port;
    this.#signal = signal;
  }

  static async open(directory: string, seed: number, signal: AbortSignal): Promise<Stage> {
    return new Stage(directory, await freePort(randomFrom(seed, Date.now())), signal);
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** What the servers wrote to standard error. */
  get stderr(): string {
    return this.#started.map(({ stderr }) => stderr).join("\n");
  }

  /** The server, ready; it is started when none runs. */
  async server(): Promise<Server> {
    this.#running ??= this.#start();
    return Server.of(this.#running);
  }

  /**
   * Kills when `moment` resolves, and once more so many ms after the processes are there again. Resolves when the server
   * is on its way up for good; to how many kills that were.
   */
  async crash(
    kind: KillKind,
    moment: () => Promise<void>,
    againAfterMs: number | undefined,
  ): Promise<number> {
    await this.#kill(kind, moment);
    if (againAfterMs === undefined) return 1;
    await this.#kill(kind, () => pause(againAfterMs, this.#signal));
    return 2;
  }

  /** Waits as `until` does; rejects at once when the run is broken off. */
  wait<T>(
    what: string,
    probe: () => T | undefined | Promise<T | undefined>,
    patienceMs?: number,
  ): Promise<T> {
    const checked = () => {
      this.#signal.throwIfAborted();
      return probe();
    };
    return until(what, checked, patienceMs);
  }

  /** Resolves with `promise`; rejects when that takes too long, and at once when the run is broken off. */
  async within(what: string, promise: Promise<unknown>, patienceMs?: number): Promise<void> {
    let isOver = false;
    const over = promise.finally(() => {
      isOver = true;
    });
    // Its error is for the last line, however early it comes.
    over.catch(() => {});
    await this.wait(what, () => isOver || undefined, patienceMs);
    await over;
  }

  /** Resolves when all processes that lost their supervisor have ended; stops a server that was killed often. */
  async settle(): Promise<void> {
    const others = this.#started.filter((running) => running !== this.#running);
    await this.#ended(others);
    if (this.#childKills >= MAX_CHILD_KILLS) await this.stop();
  }

  /** Stops the server as a user does, which must end well. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running.process.kill("SIGTERM");
    await this.#ended([this.#running]);
    const { code, stderr } = await this.#running.finished;
    this.#running = undefined;
    if (code !== 0) throw new Error(`the server stopped with code ${code}: ${stderr.slice(-2000)}`);
  }

  /** Ends whatever runs. */
  async close(): Promise<void> {
    const last = this.#running;
    this.#running = undefined;
    if (last) kill(last, pidsOf(last, "server"));
    for (const orphan of this.#orphans) kill(orphan.running, orphan.pids);
    for (const cleanUp of this.#cleanUps.splice(0).reverse()) await cleanUp();
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #start(): Running {
    this.#signal.throwIfAborted();
    this.#childKills = 0;
    const running = new Running(
      [
        ...["serve", "--data", this.data, "--port", String(this.#port)],
        ...["--log-level", "warn", "--dedupe-window", DEDUPE_WINDOW],
      ],
      {},
      (cleanUp) => this.#cleanUps.push(cleanUp),
    );
    this.#started.push(running);
    return running;
  }

  async #kill(kind: KillKind, moment: () => Promise<void>): Promise<void> {
    const { running, pids } = await this.#victims(kind);
    const children = pidsOf(running, "both");
    await moment();
    kill(running, pids);
    if (kind !== "server" && kind !== "supervisor") {
      this.#childKills += 1;
      await this.wait("the killed have gone", () => !pids.some(isChild) || undefined);
      return;
    }
    if (kind === "supervisor") this.#orphans.push({ running, pids: children });
    this.#running = this.#start();
  }

  /** The processes to be killed, when all of them are there. */
  async #victims(kind: KillKind): Promise<{ running: Running; pids: number[] }> {
    const running = this.#running;
    if (!running) throw new Error("no server was started");
    const count = { api: 1, projector: 1, both: 2, server: 3, supervisor: 1 }[kind];
    const pids = await this.wait(`the processes of kind ${kind} are there`, () => {
      const found = pidsOf(running, kind);
      return found.length === count ? found : undefined;
    });
    return { running, pids };
  }

  async #ended(servers: readonly Running[]): Promise<void> {
    const ended = Promise.all(servers.map(({ finished }) => finished));
    await this.within("the processes of a server that was killed or stopped have ended", ended);
  }
}

/** The supervisor first, as it would start its children again. */
function pidsOf(running: Running, kind: KillKind): number[] {
  const names: ChildName[] =
    kind === "supervisor" ? [] : kind === "api" || kind === "projector" ? [kind] : ["api", "projector"];
  const children = names.map((name) => running.child(name)).filter((pid) => pid !== undefined);
  return kind === "server" || kind === "supervisor" ? [running.pid, ...children] : children;
}

/** Kills those of the processes that are still there: another one may have got the id of one that is not. */
function kill(running: Running, pids: readonly number[]): void {
  for (const pid of pids) {
    if (pid === running.pid) running.process.kill("SIGKILL");
    else if (isChild(pid)) killPid(pid);
  }
}

function killPid(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function freePort(random: Random): Promise<number> {
  for (;;) {
    const port = random.int(PORTS.min, PORTS.max);
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise<void>((resolve) => server.close(() => resolve()));
    if (isFree) return port;
  }
}
