// The events of sites as the read model has them.

import type Database from "better-sqlite3";
import {
  type ColumnName,
  type Columns,
  type IntegerColumn,
  type NumberColumn,
  type TextColumnName,
  unpack,
} from "../columns/chunk.ts";
import { decodeIntegers, decodeNumbers, decodeTexts, type TextColumn } from "../columns/column.ts";
import type { ChunkKind } from "../readmodel/chunks.ts";
import { CurrentModel } from "../readmodel/current.ts";
import { NO_SETTINGS, type SiteSettings, siteSettingsReader } from "../readmodel/site-settings.ts";
import { type Column, ColumnCache } from "./column-cache.ts";
import { type EventChunk, NO_EVENTS, type SessionChunk, type SiteEvents } from "./site-events.ts";

export class StoredEvents {
  readonly #model: CurrentModel<Model>;

  /** Keeps up to `cacheBytes` of columns in memory. */
  constructor(dataDirectory: string, cacheBytes: number) {
    // Another database has other chunks, whatever their numbers.
    this.#model = new CurrentModel(dataDirectory, (database) =>
      prepare(database, new ColumnCache(cacheBytes)),
    );
  }

  /** Runs `read` on one state of the read model. */
  snapshot<Result>(siteId: string, read: (events: SiteEvents, settings: SiteSettings) => Result): Result {
    const model = this.#model.get();
    if (!model) return read(NO_EVENTS, NO_SETTINGS);
    model.begin.run();
    try {
      const site = model.site.get(siteId);
      if (!site) return read(NO_EVENTS, NO_SETTINGS);
      return read(eventsOf(model, site), model.settings(site.id));
    } finally {
      model.commit.run();
    }
  }

  /** The site with the most visitors, and when its last event was, in ms since 1970; undefined when there are no events. */
  mostVisited(): { readonly siteId: string; readonly lastMs: number } | undefined {
    return this.#model.get()?.mostVisited.get();
  }

  /** As CurrentModel's. */
  letGo(): void {
    this.#model.letGo();
  }

  close(): void {
    this.#model.close();
  }
}

interface SiteRow {
  readonly id: number;
  readonly visitors: number;
  readonly sessions: number;
}

interface ChunkRow {
  readonly id: number;
  readonly rows: number;
  readonly low: number;
  readonly high: number;
  readonly is_packed: number;
  readonly events: number | null;
  readonly pageviews: number | null;
}

type Model = ReturnType<typeof prepare>;

function prepare(database: Database.Database, cache: ColumnCache) {
  return {
    cache,
    begin: database.prepare("BEGIN"),
    commit: database.prepare("COMMIT"),
    site: database.prepare<[string], SiteRow>("SELECT id, visitors, sessions FROM sites WHERE site_id = ?"),
    mostVisited: database.prepare<[], { siteId: string; lastMs: number }>(`
      SELECT site_id AS siteId, max(high) AS lastMs FROM chunks
      JOIN (SELECT id, site_id FROM sites ORDER BY visitors DESC, id LIMIT 1) AS sites ON sites.id = chunks.site
      WHERE kind = 'event' GROUP BY site_id`),
    settings: siteSettingsReader(database),
    chunks: database.prepare<[ChunkKind, number], ChunkRow>(`
      SELECT id, rows, low, high, packed IS NOT NULL AS is_packed, events, pageviews
      FROM chunks WHERE kind = ? AND site = ? ORDER BY id`),
    packed: database.prepare<[number], { packed: Buffer }>("SELECT packed FROM chunks WHERE id = ?"),
    column: database.prepare<[number, string], { data: Buffer }>(
      "SELECT data FROM chunk_columns WHERE chunk = ? AND name = ?",
    ),
    aliases: database
      .prepare<[number], [number, number]>("SELECT gone, session FROM session_aliases WHERE site = ?")
      .raw(),
  };
}

function eventsOf(model: Model, site: SiteRow): SiteEvents {
  return {
    visitors: site.visitors,
    sessionCount: site.sessions,
    chunks: model.chunks.all("event", site.id).map((row) => eventChunk(row, columnsOf(model, row))),
    sessionChunks: () =>
      model.chunks.all("session", site.id).map((row) => sessionChunk(row, columnsOf(model, row))),
    aliases: (checkTime) => aliasesOf(model, site, checkTime),
  };
}

/** A matter of a few milliseconds. */
const ALIASES_AT_ONCE = 1000;

/** Of each session that is gone, the one that it is part of now. */
function aliasesOf(model: Model, site: SiteRow, checkTime: () => void): ReadonlyMap<number, number> {
  const aliases = new Map<number, number>();
  for (const [gone, session] of model.aliases.iterate(site.id)) {
    if (aliases.size % ALIASES_AT_ONCE === 0) checkTime();
    aliases.set(gone, session);
  }
  for (const gone of aliases.keys()) {
    const passed: number[] = [];
    let session = gone;
    for (let next = aliases.get(session); next !== undefined; next = aliases.get(session)) {
      passed.push(session);
      session = next;
    }
    // The ones that are passed are found at once from now on, so that long chains cost no more than their length.
    for (const one of passed) aliases.set(one, session);
  }
  return aliases;
}

function eventChunk({ rows, low, high, events, pageviews }: ChunkRow, columns: ChunkColumns): EventChunk {
  const isLarge = events !== null && pageviews !== null;
  return {
    ...{ rows, firstMs: low, lastMs: high },
    summary: isLarge
      ? {
          ...{ events, pageviews },
          visitors: () => columns.integers("distinct_visitors"),
          sessions: () => columns.integers("distinct_sessions"),
        }
      : undefined,
    times: () => columns.numbers("time"),
    revenueMicros: () => someOf(columns.numbers("revenue")),
    integers: (name) => someOf(columns.integers(name)),
    texts: (name) => columns.texts(name),
  };
}

function sessionChunk({ rows, low, high }: ChunkRow, columns: ChunkColumns): SessionChunk {
  return {
    ...{ rows, first: low, last: high },
    numbers: () => columns.integers("number"),
    starts: () => columns.numbers("start"),
    ends: () => columns.numbers("end"),
    events: () => columns.integers("events"),
    pageviews: () => columns.integers("pageviews"),
    entries: () => columns.texts("entry"),
    moved: () => someOf(columns.integers("moved")),
    exits: () => columns.texts("exit"),
  };
}

/** The columns of a chunk; one that is left out has no rows. */
interface ChunkColumns {
  numbers(name: NumberColumn): Float64Array;
  integers(name: IntegerColumn): Uint32Array;
  texts(name: TextColumnName): TextColumn | undefined;
}

function columnsOf(model: Model, row: ChunkRow): ChunkColumns {
  let packed: Columns | undefined;
  const bytesOf = (name: ColumnName): Buffer => {
    if (row.is_packed === 0) return model.column.get(row.id, name)?.data ?? NO_BYTES;
    const bytes = packed ? undefined : model.packed.get(row.id)?.packed;
    if (bytes) packed = unpack(bytes);
    return packed?.get(name) ?? NO_BYTES;
  };
  /** Of small chunks nothing is kept: they are soon put together, and many. */
  const cached = <C extends Column>(
    name: ColumnName,
    decode: (bytes: Buffer) => C,
    is: (column: Column) => column is C,
  ): C => {
    const read = () => decode(bytesOf(name));
    return row.is_packed === 1 ? read() : model.cache.get(`${row.id} ${name}`, read, is);
  };
  return {
    numbers: (name) => cached(name, decodeNumbers, isNumbers),
    integers: (name) => cached(name, decodeIntegers, isIntegers),
    texts: (name) => {
      const texts = cached(name, decodeTexts, isTexts);
      return texts.codes.length > 0 ? texts : undefined;
    },
  };
}

/** Decodes to a column without rows. */
const NO_BYTES = Buffer.concat([Buffer.alloc(16), Buffer.from("[]")]);

function someOf<C extends Float64Array | Uint32Array>(column: C): C | undefined {
  return column.length > 0 ? column : undefined;
}

function isNumbers(column: Column): column is Float64Array {
  return column instanceof Float64Array;
}

function isIntegers(column: Column): column is Uint32Array {
  return column instanceof Uint32Array;
}

function isTexts(column: Column): column is TextColumn {
  return "dictionary" in column;
}
