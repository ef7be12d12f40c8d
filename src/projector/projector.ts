// The projector: tails the log and folds it into the read model, forever; and builds a new generation of the read model
// beside the live one, when it is asked to or when the live one is of another identity or damaged.
//
// Invariants: a generation holds exactly the fold of the log up to its checkpoint. Readers are switched to a new one
// only when it is as far as the log and the live one are; the very first one they get at once. What was built so far
// is kept: the next build of the same identity goes on with it.

import { statSync } from "node:fs";
import { join } from "node:path";
import { DURABLE_MARK_NAME } from "../log/durable-mark.ts";
import { pause } from "../pause.ts";
import {
  currentGeneration,
  generationPath,
  listGenerations,
  publishGeneration,
  removeGeneration,
} from "../readmodel/generations.ts";
import { isUnusable, UnusableReadModel } from "../readmodel/writer.ts";
import { MarkWatch } from "./mark-watch.ts";
import { type Folded, Projection, type ProjectionOptions } from "./projection.ts";
import { Rebuild, RebuildError, type RebuildProgress } from "./rebuild.ts";

const MIB = 1024 * 1024;
/** A batch is folded in memory, while the one before is being written: with more events it takes more of it, and is no faster. */
const FULL_BATCH_EVENTS = 48_000;
/** How long a batch may take, in ms: until it is folded, nothing else is heard, not even that the process is to stop. */
const BATCH_MS = 500;
/** Of a build beside live statistics, which wait for each batch, some 50 ms; and of all batches where room is scarce. */
const SMALL_BATCH_EVENTS = 5000;
/** Below it a full batch might take the last room: each of its events may change a few pages of 4 KiB. */
const SCARCE_ROOM_BYTES = 1024 * MIB;
/**
 * About what a small batch writes, 16 MiB, and the write-ahead log that is then copied into the database, 64 MiB. So folding
 * stops well before the log does (src/ingest/log-host.ts): the last room is the log's.
 */
const LOW_ROOM_MIB = 80;
/** Of a build beside live statistics: so these go on where it ends. */
const LOW_BUILD_ROOM_BYTES = 128 * MIB;
const ROOM_CHECK_MS = 500;
/** How long events are gathered while the projector keeps up, in ms: well below the promised 200 ms. */
const COALESCE_MS = 50;

export class Projector {
  readonly #options: ProjectionOptions;
  #live: Projection | undefined;
  #rebuild: Rebuild | undefined;
  #wake: () => void = () => {};
  #isWaitingForRoom = false;
  /** As many events as were folded in BATCH_MS of late. */
  #batchEvents = SMALL_BATCH_EVENTS;

  constructor(options: ProjectionOptions) {
    this.#options = options;
  }

  /** Folds until `signal` aborts. Rejects when log or read model cannot be trusted or used. */
  async run(signal: AbortSignal): Promise<void> {
    const { files } = this.#options;
    const watch = new MarkWatch(join(files.directory, DURABLE_MARK_NAME), signal);
    this.#wake = () => watch.wake();
    this.#live = this.#openLive();
    this.#removeOld();
    try {
      while (!signal.aborted) {
        if (this.#rebuild?.isStopped) await this.#end(this.#rebuild);
        if (!this.#live) this.#rebuild ??= new Rebuild(this.#openBuild());
        // Where it cannot be told, writing tells.
        const free = await files.freeBytes().catch(() => Number.POSITIVE_INFINITY);
        if (this.#live && this.#rebuild && free < LOW_BUILD_ROOM_BYTES) {
          await this.#end(this.#rebuild, this.#noRoom(this.#live, free), true);
        }
        const maxEvents = this.#maxEvents(free);
        if (maxEvents === 0) {
          await pause(ROOM_CHECK_MS, signal);
          continue;
        }
        const live = this.#live;
        const folded = live && (await this.#foldLive(live, maxEvents));
        if (live && !folded) continue;
        if (folded) this.#adaptBatch(folded);
        const built = this.#rebuild ? await this.#build(this.#rebuild, maxEvents, folded?.position ?? 0) : 0;
        if (built > 0 || folded?.isAtEnd === false) continue;
        if (!folded || folded.events === 0) await watch.wait();
        await pause(COALESCE_MS, signal);
      }
    } catch (error) {
      // Whoever waits for a build hears why, and not just that it was stopped.
      this.#rebuild?.stop(error);
      throw error;
    } finally {
      watch.close();
      this.#rebuild?.stop(new Error("the projector stops"));
      await this.#rebuild?.projection.close();
      this.#rebuild?.setClosed();
      await this.#live?.close();
    }
  }

  /**
   * Builds a new generation, or goes on with one that was begun, and switches readers to it. A build that is under way
   * is joined; one that was stopped is gone on with. `signal` ends the build that this call began; it can be gone on with
   * later. Rejects with the signal's reason, and with a LogError when the log cannot be read to its end.
   */
  async rebuild(
    onProgress: (progress: RebuildProgress) => void,
    signal: AbortSignal,
    acceptLoss: boolean,
  ): Promise<RebuildProgress> {
    if (this.#rebuild?.isStopped) await this.#rebuild.closed;
    if (this.#rebuild) return this.#rebuild.watch(onProgress, signal);
    const rebuild = new Rebuild(this.#openBuild(acceptLoss));
    this.#rebuild = rebuild;
    const onAbort = () => rebuild.stop(signal.reason);
    signal.addEventListener("abort", onAbort);
    this.#wake();
    try {
      return await rebuild.watch(onProgress, signal);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** How many events a batch may have where so many bytes are free; 0 for none: on a full disk SQLite cannot even read. */
  #maxEvents(free: number): number {
    const { dataDirectory, logger } = this.#options;
    const hasRoom = free >= LOW_ROOM_MIB * MIB;
    if (!hasRoom && !this.#isWaitingForRoom) {
      logger.error(
        { directory: dataDirectory, freeMiB: Math.floor(free / MIB) },
        `there is next to no room for the statistics: events are folded when ${LOW_ROOM_MIB} MiB are free`,
      );
    }
    this.#isWaitingForRoom = !hasRoom;
    if (!hasRoom) return 0;
    return free < SCARCE_ROOM_BYTES ? SMALL_BATCH_EVENTS : this.#batchEvents;
  }

  /** Folds a batch. Undefined when the generation is damaged: then it is not the live one any more, but readers have it until there is a new one. */
  async #foldLive(live: Projection, maxEvents: number): Promise<Folded | undefined> {
    try {
      return await live.fold(maxEvents);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      this.#logReplaced(live.generation, error);
      this.#live = undefined;
      await live.close();
      return undefined;
    }
  }

  #logReplaced(generation: number, error: Error): void {
    const { dataDirectory, logger } = this.#options;
    const file = generationPath(dataDirectory, generation);
    const level = error instanceof UnusableReadModel ? "warn" : "error";
    logger[level](
      { file, reason: error.message },
      "the statistics in this file cannot be gone on with: until new ones are made from the log, they are answered as they are",
    );
  }

  /** Goes by batches that are not small, as a small one has costs of its own. */
  #adaptBatch({ events, foldMs }: Folded): void {
    if (events < SMALL_BATCH_EVENTS) return;
    const fitting = Math.round((events / foldMs) * BATCH_MS);
    this.#batchEvents = Math.min(FULL_BATCH_EVENTS, Math.max(SMALL_BATCH_EVENTS, fitting));
  }

  /** The generation that readers use, when it can be gone on with. The very first one is made. */
  #openLive(): Projection | undefined {
    const { dataDirectory } = this.#options;
    const current = currentGeneration(dataDirectory);
    if (current === undefined) {
      const first = this.#openBuild();
      publishGeneration(dataDirectory, first.generation);
      return first;
    }
    try {
      return new Projection(current, this.#options);
    } catch (error) {
      if (!isUnusable(error)) throw error;
      this.#logReplaced(current, error);
      return undefined;
    }
  }

  /** The generation behind the current one: one that was begun and can be gone on with, or a new one. */
  #openBuild(acceptLoss = this.#options.acceptLoss): Projection {
    const { dataDirectory, logger } = this.#options;
    const options = { ...this.#options, ...(acceptLoss !== undefined && { acceptLoss }) };
    const current = currentGeneration(dataDirectory) ?? 0;
    const begun = listGenerations(dataDirectory).filter((generation) => generation > current);
    for (const generation of begun.reverse()) {
      try {
        const projection = reopen(generation, options);
        logger.info(
          { generation, position: projection.position },
          "going on with a generation that was begun",
        );
        return projection;
      } catch (error) {
        if (!isUnusable(error)) throw error;
        logger.warn(
          { generation, reason: error.message },
          "removing a generation that cannot be gone on with",
        );
        removeGeneration(dataDirectory, generation);
      }
    }
    const generation = current + 1;
    logger.info({ generation }, "building a new generation of the read model from the log");
    return new Projection(generation, options);
  }

  /** Does a part of the build, and switches when it is done; returns how many events it folded. */
  async #build(rebuild: Rebuild, maxEvents: number, livePosition: number): Promise<number> {
    const { projection } = rebuild;
    try {
      const folded = await projection.fold(this.#live ? SMALL_BATCH_EVENTS : maxEvents);
      const { events, isAtEnd, position } = folded;
      if (!this.#live) this.#adaptBatch(folded);
      rebuild.report(Math.max(position, livePosition));
      if (isAtEnd && position >= livePosition) await this.#switch(rebuild);
      return events;
    } catch (error) {
      const reason = isUnusable(error) ? this.#damaged(projection, error) : error;
      await this.#end(rebuild, reason, isUnusable(error));
      // Without a live generation there is nothing else to do: whoever runs this hears of it.
      if (!this.#live) throw reason;
      return 0;
    }
  }

  /** The live statistics, and the log, come first. */
  #noRoom({ generation }: Projection, free: number): RebuildError {
    const { dataDirectory } = this.#options;
    const size = statSync(generationPath(dataDirectory, generation), { throwIfNoEntry: false })?.size ?? 0;
    return new RebuildError(
      `no room: new statistics need about as much as the live ones, ${inMib(size)}, and ${inMib(LOW_BUILD_ROOM_BYTES)} ` +
        `more, and ${inMib(free)} are free in ${dataDirectory}; what was made of them is removed`,
    );
  }

  #damaged({ generation }: Projection, error: Error): RebuildError {
    const file = generationPath(this.#options.dataDirectory, generation);
    return new RebuildError(
      `the new statistics in ${file} were damaged (${error.message}) and are removed: begin anew when the cause is found`,
      { cause: error },
    );
  }

  /** Ends a build. Who waits for it hears the reason, if it was not stopped yet. It can be gone on with, unless it is useless. */
  async #end(rebuild: Rebuild, reason?: unknown, isUseless = false): Promise<void> {
    const { projection } = rebuild;
    await projection.close();
    if (isUseless) removeGeneration(this.#options.dataDirectory, projection.generation);
    this.#rebuild = undefined;
    rebuild.stop(reason);
    rebuild.setClosed();
  }

  /** Removes what was replaced. Readers that still have it open go on reading it. */
  #removeOld(): void {
    const { dataDirectory } = this.#options;
    const current = currentGeneration(dataDirectory) ?? 0;
    for (const generation of listGenerations(dataDirectory)) {
      if (generation < current) removeGeneration(dataDirectory, generation);
    }
  }

  async #switch(rebuild: Rebuild): Promise<void> {
    const { dataDirectory, logger } = this.#options;
    const { generation } = rebuild.projection;
    publishGeneration(dataDirectory, generation);
    await this.#live?.close();
    this.#live = rebuild.projection;
    this.#rebuild = undefined;
    this.#removeOld();
    logger.info({ generation }, "the read model was switched to a new generation");
    rebuild.finish();
  }
}

function inMib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}

/** Opens a generation that was begun. One that lacks events is begun anew: they may be there again, or not be given up. */
function reopen(generation: number, options: ProjectionOptions): Projection {
  const projection = new Projection(generation, options);
  const { firstOffset } = projection;
  if (firstOffset === 0) return projection;
  void projection.close();
  throw new UnusableReadModel(`it lacks the events before offset ${firstOffset}`);
}
