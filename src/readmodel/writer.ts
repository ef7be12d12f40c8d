// The writing half of the read model: applies a batch of events and the checkpoint behind them in one transaction,
// so that every event of the log counts exactly once. The projector alone has it.

import { statSync } from "node:fs";
import Database from "better-sqlite3";
import type { LogPosition } from "../log/event-log.ts";
import { type LoggedEvent, type LoggedRecords, UnreadableFrame } from "../projector/event-decoder.ts";
import { Fold } from "../projector/fold.ts";
import { Aggregates } from "./aggregates.ts";
import { CHUNK_SIZES, Chunks } from "./chunks.ts";
import { Dedupe } from "./dedupe.ts";
import { addEvent } from "./event-columns.ts";
import { EventRows } from "./event-rows.ts";
import { PROJECTION_VERSION, SCHEMA } from "./schema.ts";
import { KNOWN, Sessions } from "./sessions.ts";
import { Settings } from "./settings.ts";

/** SQLite's page cache, in KiB: the inner pages of the large trees stay in memory. */
const CACHE_KIB = 64 * 1024;
/** Pages of write-ahead log after which it is copied into the database: 64 MiB. */
const CHECKPOINT_PAGES = 16_384;
/** What the write-ahead log is cut back to once it was copied, in bytes. */
const JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** What the write-ahead log may grow to while there are readers all the time, in bytes. */
const MAX_LOG_BYTES = 128 * 1024 * 1024;
/** How long to wait for a reader that is in the way, in ms. */
const BUSY_TIMEOUT_MS = 10_000;

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

/** The database at a path cannot be gone on with: it is of another identity, or damaged. A new one can replace it. */
export class UnusableReadModel extends Error {}

/** Records of the log that are folded together. */
export interface Batch {
  readonly firstOffset: number;
  /** In log order, in parts of any size. It can be gone through again. */
  readonly parts: Iterable<LoggedRecords>;
}

/** An event of the log that is in no number, as it cannot be folded. */
export interface DeadLetter {
  readonly offset: number;
  readonly error: string;
}

/** The checkpoint has been moved by somebody else. */
class NotAtCheckpoint extends Error {
  constructor(expected: number) {
    super(`the read model is not at offset ${expected}: a second projector is writing it`);
  }
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

export class ReadModelWriter {
  readonly #database: Database.Database;
  readonly #statements: Statements;
  readonly #events: EventRows;
  readonly #aggregates: Aggregates;
  readonly #dedupe: Dedupe;
  readonly #sessions: Sessions;
  readonly #chunks: Chunks;
  readonly #settings: Settings;
  readonly #sites = new Map<string, number>();

  /** Opens the database at `path`, or makes it. Throws UnusableReadModel, or what SQLite says of the disk. */
  constructor(path: string, settings: ProjectionSettings, chunkSizes = CHUNK_SIZES, known = KNOWN) {
    this.#database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    try {
      this.#database.pragma("journal_mode = WAL");
      // The log is the truth: after a power cut the last batches may be gone here, and are folded again.
      this.#database.pragma("synchronous = NORMAL");
      this.#database.pragma(`journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
      this.#database.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      this.#database.pragma(`cache_size = -${CACHE_KIB}`);
      // What a statement changes, until it is done: in a file it is as much to write as the write-ahead log.
      this.#database.pragma("temp_store = MEMORY");
      this.#initialize(projectionIdentity(settings));
      this.#statements = prepare(this.#database);
      this.#events = new EventRows(this.#database);
      this.#aggregates = new Aggregates(this.#database);
      this.#dedupe = new Dedupe(this.#database, settings.dedupeWindowMs);
      this.#sessions = new Sessions(this.#database, chunkSizes, known);
      this.#chunks = new Chunks(this.#database, "event", chunkSizes);
      this.#settings = new Settings(this.#database);
    } catch (error) {
      this.#database.close();
      if (isDamage(error)) throw new UnusableReadModel(String(error), { cause: error });
      throw error;
    }
  }

  /** The place in the log up to which it is folded; undefined when nothing is. */
  get checkpoint(): LogPosition | undefined {
    return toPosition(this.#statements.checkpoint.get());
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
   * not where this process left it, on an I/O error, what the batch's parts throw, and TooManyDeadLetters.
   */
  apply({ firstOffset, parts }: Batch, after: LogPosition): readonly DeadLetter[] {
    try {
      return this.#commit(firstOffset, after, () => {
        this.#fold(parts);
        return [];
      });
    } catch (error) {
      if (!isPoison(error)) throw error;
      return this.#commit(firstOffset, after, () => this.#foldInSlices(parts));
    }
  }

  close(): void {
    this.#database.close();
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

  /** Does `fold` and moves the checkpoint, both or neither. */
  #commit(expected: number, after: LogPosition, fold: () => readonly DeadLetter[]): readonly DeadLetter[] {
    const transaction = this.#database.transaction(() => {
      const moved = this.#statements.moveCheckpoint.run({ ...after, expected });
      if (moved.changes !== 1) throw new NotAtCheckpoint(expected);
      return fold();
    });
    try {
      const deadLetters = transaction.immediate();
      this.#boundLog();
      return deadLetters;
    } catch (error) {
      this.#forgetUncommitted();
      throw error;
    }
  }

  /**
   * While questions follow each other without a pause, SQLite never finds the moment to begin the write-ahead log anew, and
   * it grows. So, when it has grown, the readers of older states are waited for; new ones do not need the log then.
   */
  #boundLog(): void {
    const log = statSync(`${this.#database.name}-wal`, { throwIfNoEntry: false });
    if (log && log.size > MAX_LOG_BYTES) this.#database.pragma("wal_checkpoint(RESTART)");
  }

  #fold(parts: Batch["parts"]): void {
    const fold = new Fold();
    let receivedAtMs = Number.NEGATIVE_INFINITY;
    for (const { events, settings } of parts) {
      // In log order, whether an event has an id or not: so numbers do not depend on the batches.
      for (const { siteId } of events) this.#siteNumber(siteId);
      for (const event of this.#dedupe.counted(events, (siteId) => this.#siteNumber(siteId))) {
        const site = this.#siteNumber(event.siteId);
        this.#events.add(event);
        const belonging = this.#sessions.add(site, event);
        addEvent(this.#chunks.builder(site), event, belonging);
        fold.add(event, belonging);
      }
      for (const setting of settings) this.#settings.add(this.#siteNumber(setting.siteId), setting);
      receivedAtMs = events.at(-1)?.receivedAtMs ?? receivedAtMs;
    }
    this.#events.flush();
    this.#sessions.flush();
    this.#chunks.flush();
    for (const [siteId, changes] of fold.changes()) this.#aggregates.add(this.#siteNumber(siteId), changes);
    this.#dedupe.forget(receivedAtMs);
  }

  /** Folds what can be folded: the result is that of one batch without the events that cannot. */
  #foldInSlices(parts: Batch["parts"]): DeadLetter[] {
    const fold = this.#database.transaction((events: readonly LoggedEvent[]) =>
      this.#fold([{ events, settings: [] }]),
    );
    const deadLetters: DeadLetter[] = [];
    /** Whether `events` could be folded, in a savepoint of their own; the error that says they could not. */
    const problemOf = (events: readonly LoggedEvent[]): unknown => {
      try {
        fold(events);
        return undefined;
      } catch (error) {
        if (!isPoison(error)) throw error;
        this.#forgetUncommitted();
        return error;
      }
    };
    for (const { events, settings } of parts) {
      for (let at = 0; at < events.length; at += SLICE_EVENTS) {
        const slice = events.slice(at, at + SLICE_EVENTS);
        if (problemOf(slice) === undefined) continue;
        for (const event of slice) {
          const problem = problemOf([event]);
          if (problem !== undefined) deadLetters.push(this.#bury(event.offset, String(problem)));
        }
      }
      this.#fold([{ events: [], settings }]);
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

  #forgetUncommitted(): void {
    this.#sites.clear();
    this.#events.clear();
    this.#sessions.clear();
    this.#chunks.clear();
  }

  #siteNumber(siteId: string): number {
    let number = this.#sites.get(siteId);
    if (number === undefined) {
      this.#statements.addSite.run(siteId);
      const row = this.#statements.site.get(siteId);
      if (!row) throw new Error("a site that was just added is missing");
      number = row.id;
      this.#sites.set(siteId, number);
    }
    return number;
  }
}

/** Whether it is the event that is at fault: not the disk, the memory, or another process. */
function isPoison(error: unknown): boolean {
  if (error instanceof Database.SqliteError)
    return /^SQLITE_(CONSTRAINT|MISMATCH|RANGE|TOOBIG)/.test(error.code);
  const isOfTheWhole =
    error instanceof NotAtCheckpoint ||
    error instanceof TooManyDeadLetters ||
    error instanceof UnreadableFrame;
  return !isOfTheWhole;
}

function isDamage(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

interface CheckpointRow {
  readonly log_id: string;
  readonly position: number;
  readonly segment: number;
  readonly frame_position: number;
  readonly frame_crc: number;
}

export const SELECT_CHECKPOINT =
  "SELECT log_id, position, segment, frame_position, frame_crc FROM projection WHERE id = 1";

/** The checkpoint in a row of SELECT_CHECKPOINT. */
export function toPosition(row: unknown): LogPosition | undefined {
  const checkpoint = row as CheckpointRow | undefined;
  if (!checkpoint || checkpoint.log_id === "") return undefined;
  return {
    logId: checkpoint.log_id,
    nextOffset: checkpoint.position,
    segment: checkpoint.segment,
    framePosition: checkpoint.frame_position,
    frameCrc: checkpoint.frame_crc,
  };
}

type Statements = ReturnType<typeof prepare>;

function prepare(database: Database.Database) {
  return {
    checkpoint: database.prepare(SELECT_CHECKPOINT),
    moveCheckpoint: database.prepare(`
      UPDATE projection SET log_id = :logId, position = :nextOffset, segment = :segment,
        frame_position = :framePosition, frame_crc = :frameCrc
      WHERE id = 1 AND position = :expected`),
    beginAt: database.prepare(
      "UPDATE projection SET first_offset = :offset, position = :offset WHERE id = 1 AND log_id = ''",
    ),
    firstOffset: database.prepare<[], { first_offset: number }>("SELECT first_offset FROM projection"),
    addDeadLetter: database.prepare("INSERT INTO dead_letters VALUES (?, ?, ?)"),
    countDeadLetters: database.prepare<[number], { count: number }>(
      "SELECT count(*) AS count FROM dead_letters WHERE offset >= ?",
    ),
    addSite: database.prepare("INSERT INTO sites (site_id) VALUES (?) ON CONFLICT DO NOTHING"),
    site: database.prepare<[string], { id: number }>("SELECT id FROM sites WHERE site_id = ?"),
  };
}
