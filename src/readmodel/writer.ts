// The writing half of the read model: applies a batch of events and the checkpoint behind them in one transaction,
// so that every event of the log counts exactly once. The projector alone has it.

import { setImmediate } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import Database from "better-sqlite3";
import type { LogPosition } from "../log/event-log.ts";
import { type LoggedRecords, UnreadableFrame } from "../projector/event-decoder.ts";
import { textsOf } from "../projector/event-texts.ts";
import { BoundRows } from "./bound-rows.ts";
import type { Changes } from "./changes.ts";
import { ChangesWriter } from "./changes-writer.ts";
import { SELECT_CHECKPOINT, toPosition } from "./checkpoint.ts";
import { CHUNK_SIZES } from "./chunks.ts";
import { Commits, NotAtCheckpoint, openForWriting } from "./commits.ts";
import { Folder, KNOWN } from "./folder.ts";
import { FULL_IDS } from "./id-runs.ts";
import { PATH_SIZES } from "./path-counts.ts";
import { PROJECTION_VERSION, SCHEMA } from "./schema.ts";
import { type WriteReply, WriteThread } from "./write-thread.ts";

/** More than this many dead letters among so many events: 1 %. */
const MAX_DEAD_LETTERS = 100;
const DEAD_LETTER_SPAN = 10_000;
/** How many events are tried together where one of a batch cannot be folded. */
const SLICE_EVENTS = 1000;

export interface ProjectionSettings {
  /** How long a client's event id is remembered, in ms of time of receipt. */
  readonly dedupeWindowMs: number;
}

/** What the numbers of a projection depend on beside the log. Another identity means another generation. */
function projectionIdentity(settings: ProjectionSettings): string {
  return JSON.stringify({ version: PROJECTION_VERSION, dedupeWindowMs: settings.dedupeWindowMs });
}

/** The database at a path is of another identity, or lacks what it should have: a new one can replace it. */
export class UnusableReadModel extends Error {}

/** Whether `error`, of anything that is done with a read model, says that a new one is to replace it: it may be damaged, too. */
export function isUnusable(error: unknown): error is Error {
  const isDamage = error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
  return isDamage || error instanceof UnusableReadModel;
}

/** Records of the log that are folded together. */
export interface Batch {
  readonly firstOffset: number;
  /** In log order, in parts of any size. It can be gone through again, and makes them anew then: their texts may be given away. */
  readonly parts: Iterable<LoggedRecords>;
}

/** An event of the log that is in no number, as it cannot be folded. */
export interface DeadLetter {
  readonly offset: number;
  readonly error: string;
}

/** Not single events are at fault, but the fold or the log: the projector must not go on. */
class TooManyDeadLetters extends Error {
  constructor(count: number, { offset, error }: DeadLetter) {
    super(
      `${count} of the last ${DEAD_LETTER_SPAN} events cannot be folded, and more than ${MAX_DEAD_LETTERS} stop the ` +
        `projector (the latest is at offset ${offset}: ${error}); see "Dead letters" in docs/operations.md`,
    );
  }
}

/** A batch that is being written by the thread. */
interface InFlight {
  readonly batch: Batch;
  readonly after: LogPosition;
  /** Resolves to nothing when it is committed, and else to why it is not. */
  readonly written: Promise<WriteReply>;
}

export class ReadModelWriter {
  readonly #database: Database.Database;
  readonly #statements: Statements;
  readonly #folder: Folder;
  readonly #commits: Commits;
  readonly #rows: BoundRows;
  readonly #changes: ChangesWriter;
  /** Is told when the thread could not write a batch, which is tried here then. */
  readonly #onRetry: (reason: string) => void;
  readonly #startThread: () => WriteThread;
  #thread: WriteThread | undefined;
  #inFlight: InFlight[] = [];

  /** Opens the database at `path`, or makes it. Throws UnusableReadModel, or what SQLite says of the disk or the database. */
  constructor(
    path: string,
    { dedupeWindowMs }: ProjectionSettings,
    sizes = CHUNK_SIZES,
    known = KNOWN,
    onRetry: (reason: string) => void = () => {},
  ) {
    this.#onRetry = onRetry;
    this.#startThread = () => new WriteThread(path, sizes);
    this.#database = openForWriting(path);
    try {
      this.#initialize(projectionIdentity({ dedupeWindowMs }));
      this.#statements = prepare(this.#database);
      this.#folder = new Folder(this.#database, { dedupeWindowMs, sizes, known });
      this.#commits = new Commits(this.#database);
      this.#rows = new BoundRows(this.#database);
      this.#changes = new ChangesWriter(this.#database, sizes, PATH_SIZES, FULL_IDS);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** The place in the log up to which it is folded; undefined when nothing is. */
  get checkpoint(): LogPosition | undefined {
    return this.#inFlight.at(-1)?.after ?? toPosition(this.#statements.checkpoint.get());
  }

  /** The offset that it begins at: 0, unless it lacks the events before. */
  get firstOffset(): number {
    return this.#statements.firstOffset.get()?.first_offset ?? 0;
  }

  /** How many events could not be folded. */
  get deadLetters(): number {
    return this.#statements.countDeadLetters.get(0)?.count ?? 0;
  }

  /** Makes a read model that has nothing yet begin at `offset`: it will lack the events before. */
  beginAt(offset: number): void {
    this.#statements.beginAt.run({ offset });
  }

  /**
   * Folds `batch`, all records of the log from the checkpoint up to `after`, and moves the checkpoint there. An event
   * that cannot be folded becomes a dead letter, and is returned. Throws, with nothing changed, when the checkpoint is
   * not where this process left it, on an I/O error or a damaged database, what the batch's parts throw, and
   * TooManyDeadLetters. Nothing must be under way.
   */
  apply(batch: Batch, after: LogPosition): readonly DeadLetter[] {
    try {
      return this.#commit(batch, after, () => {
        this.#fold(batch.parts);
        return [];
      });
    } catch (error) {
      if (!isPoison(error)) throw error;
      return this.#commit(batch, after, () => this.#foldInSlices(batch.parts));
    }
  }

  /**
   * As apply(), for batches that follow each other: this one is still being written when it resolves, so that the next one can
   * be folded meanwhile. What it resolves to, or rejects for, may be of the one before.
   */
  async applyAhead(batch: Batch, after: LogPosition): Promise<readonly DeadLetter[]> {
    this.#thread ??= this.#startThread();
    const thread = this.#thread;
    let changes: Changes;
    try {
      changes = this.#folder.fold(batch.parts, (rows) => thread.add(rows));
    } catch (error) {
      await thread.drop();
      const deadLetters = await this.settle();
      this.#folder.clear();
      if (!isPoison(error)) throw error;
      return [...deadLetters, ...this.apply(batch, after)];
    }
    const [before] = this.#inFlight;
    this.#inFlight.push({ batch, after, written: thread.commit(changes, batch.firstOffset, after) });
    if (before) {
      await this.#copyLogUntil(before.written);
      if ((await before.written) !== undefined) return this.settle();
      this.#inFlight.shift();
    }
    this.#folder.trim();
    return [];
  }

  /** Resolves when nothing is under way any more. As apply(), for the batches that are. */
  async settle(): Promise<readonly DeadLetter[]> {
    const inFlight = this.#inFlight;
    const replies = await Promise.all(inFlight.map(({ written }) => written));
    this.#inFlight = [];
    const problem = replies.find((reply) => reply !== undefined);
    if (problem === undefined) return [];
    // Whatever it was, it happens here again, or is over. Behind a batch that is not there, none is.
    this.#onRetry(problem);
    this.#folder.clear();
    const { checkpoint } = this;
    const last = inFlight.findLastIndex(({ after }) => isDeepStrictEqual(after, checkpoint));
    return inFlight.slice(last + 1).flatMap(({ batch, after }) => this.apply(batch, after));
  }

  /** Waits for what is under way. What cannot be written then is not there, and can be folded again. */
  async close(): Promise<void> {
    await Promise.all(this.#inFlight.map(({ written }) => written));
    if (this.#thread) await this.#thread.close();
    this.#database.close();
  }

  /** When a batch is not written yet, and this thread has nothing else to do: what it copies, the other one need not. */
  async #copyLogUntil(written: Promise<WriteReply>): Promise<void> {
    let isWritten = false;
    void written.then(() => {
      isWritten = true;
    });
    // The first one may come before messages that are here are looked at, the second one comes behind.
    await setImmediate();
    await setImmediate();
    if (!isWritten) this.#commits.copyLog();
  }

  #initialize(identity: string): void {
    const create = this.#database.transaction(() => {
      const exists = this.#database
        .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'projection'")
        .get();
      if (exists) return;
      this.#database.exec(SCHEMA);
      this.#database.prepare("INSERT INTO projection VALUES (1, ?, '', 0, 0, 0, 0, 0)").run(identity);
    });
    create.immediate();
    const stored = this.#database.prepare<[], { identity: string }>("SELECT identity FROM projection").get();
    if (stored?.identity !== identity) {
      throw new UnusableReadModel(`it has identity ${stored?.identity ?? "none"}, not ${identity}`);
    }
  }

  #commit<T>({ firstOffset }: Batch, after: LogPosition, change: () => T): T {
    try {
      return this.#commits.commit(firstOffset, after, change);
    } catch (error) {
      this.#folder.clear();
      throw error;
    }
  }

  #fold(parts: Batch["parts"]): void {
    const changes = this.#folder.fold(parts, (rows) => this.#rows.insertEvents(rows));
    this.#rows.insertSessions(changes.sessions);
    this.#changes.write(changes);
    this.#folder.trim();
  }

  /** Folds what can be folded: the result is that of one batch without the events that cannot. */
  #foldInSlices(parts: Batch["parts"]): DeadLetter[] {
    const fold = this.#database.transaction((part: LoggedRecords) => this.#fold([part]));
    const deadLetters: DeadLetter[] = [];
    /** Nothing when a part could be folded, in a savepoint of its own; else the error that says it could not. */
    const problemOf = (part: LoggedRecords): unknown => {
      try {
        fold(part);
        return undefined;
      } catch (error) {
        if (!isPoison(error)) throw error;
        this.#folder.clear();
        return error;
      }
    };
    for (const part of parts) {
      for (let at = 0; at < part.events.length; at += SLICE_EVENTS) {
        if (problemOf(eventsOf(part, at, at + SLICE_EVENTS)) === undefined) continue;
        for (const [place, { offset }] of part.events.slice(at, at + SLICE_EVENTS).entries()) {
          const problem = problemOf(eventsOf(part, at + place, at + place + 1));
          if (problem !== undefined) deadLetters.push(this.#bury(offset, String(problem)));
        }
      }
      this.#fold([{ ...part, events: [] }]);
    }
    return deadLetters;
  }

  /** Keeps an event as a dead letter. Throws TooManyDeadLetters when the events before it had many. */
  #bury(offset: number, error: string): DeadLetter {
    this.#statements.addDeadLetter.run(offset, error, PROJECTION_VERSION);
    const recent = this.#statements.countDeadLetters.get(offset + 1 - DEAD_LETTER_SPAN)?.count ?? 0;
    if (recent > MAX_DEAD_LETTERS) throw new TooManyDeadLetters(recent, { offset, error });
    return { offset, error };
  }
}

/** Some of the events of a part. */
function eventsOf({ events, texts }: LoggedRecords, from: number, to: number): LoggedRecords {
  return { events: events.slice(from, to), texts: textsOf(texts, from, to), settings: [] };
}

/** What V8 says when there is no memory for a typed array. */
const NO_MEMORY = "Array buffer allocation failed";

/** Whether it is the event that is at fault: not the disk, the memory, or another process. */
function isPoison(error: unknown): boolean {
  if (error instanceof Database.SqliteError)
    return /^SQLITE_(CONSTRAINT|MISMATCH|RANGE|TOOBIG)/.test(error.code);
  const isOfTheWhole =
    error instanceof NotAtCheckpoint ||
    error instanceof TooManyDeadLetters ||
    error instanceof UnreadableFrame ||
    (error instanceof RangeError && error.message === NO_MEMORY);
  return !isOfTheWhole;
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database.Database) {
  return {
    checkpoint: database.prepare(SELECT_CHECKPOINT),
    beginAt: database.prepare(
      "UPDATE projection SET first_offset = :offset, position = :offset WHERE id = 1 AND log_id = ''",
    ),
    firstOffset: database.prepare<[], { first_offset: number }>("SELECT first_offset FROM projection"),
    addDeadLetter: database.prepare("INSERT INTO dead_letters VALUES (?, ?, ?)"),
    countDeadLetters: database.prepare<[number], { count: number }>(
      "SELECT count(*) AS count FROM dead_letters WHERE offset >= ?",
    ),
  };
}
