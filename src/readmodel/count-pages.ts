// A list of counts by hash, in pages. A text of which the hash begins with the bits of a number is on the page with that number, so
// that all that is added to a page is added at once.

import type { Database, Statement } from "better-sqlite3";
import { type Additions, addToPage, findCount } from "./count-page.ts";
import type { CountTable } from "./count-table.ts";
import { HASH_WORDS } from "./text-hash.ts";
import { toWords } from "./words.ts";

/** Pages have about as many entries, or half of that: 4 KB. */
const ENTRIES_OF_PAGE = 256;
/** Of a list; and what ids have for the place of a page. */
const MOST_PAGES = 2 ** 24;
/** As many can be added at a time. */
const PLACES = 2 ** 21;
const WORDS = 2 ** 32;

export class CountPages {
  readonly #read: Statement<[number], Buffer>;
  readonly #write: Statement<[number, Buffer]>;

  constructor(database: Database) {
    this.#read = database.prepare<[number], Buffer>("SELECT counts FROM path_pages WHERE id = ?").pluck();
    this.#write = database.prepare("INSERT OR REPLACE INTO path_pages VALUES (?, ?)");
  }

  /** The entries of a page: of none when there is no such page. */
  get(list: number, number: number): Uint32Array {
    const bytes = this.#read.get(list * MOST_PAGES + number);
    // Copied, as words must be aligned in memory.
    return toWords(bytes ?? new Uint8Array());
  }

  /** Replaces a list of so many pages by what is in a table; how many pages it has then. */
  replace(list: number, pages: number, table: CountTable): number {
    const wanted = wantedPages(pages, table.size);
    for (let number = 0; number < wanted; number += 1) {
      this.#put(list, number, table.range((number / wanted) * WORDS, ((number + 1) / wanted) * WORDS));
    }
    return wanted;
  }

  /** Adds `counts` to the texts of `hashes`, three words each, in a list of so many pages; what they come to. */
  add(list: number, pages: number, hashes: Uint32Array, counts: Float64Array): Float64Array {
    const totals = new Float64Array(counts.length);
    const additions: Additions = { hashes, counts, order: byHash(hashes), totals };
    const { order } = additions;
    for (let from = 0; from < order.length; ) {
      const number = pageOf(hashes, order[from] ?? 0, pages);
      let to = from + 1;
      while (to < order.length && pageOf(hashes, order[to] ?? 0, pages) === number) to += 1;
      this.#put(list, number, addToPage(this.get(list, number), additions, from, to));
      from = to;
    }
    return totals;
  }

  /** Puts a list of `pages` pages on as many as so many entries need; how many these are. */
  spread(list: number, pages: number, entries: number): number {
    const wanted = wantedPages(pages, entries);
    if (wanted > pages) {
      // The last one first: its parts come to places that are free.
      for (let number = pages - 1; number >= 0; number -= 1)
        this.#split(list, number, wanted / pages, wanted);
    }
    return wanted;
  }

  #split(list: number, number: number, parts: number, pages: number): void {
    const page = this.get(list, number);
    let from = 0;
    for (let part = 0; part < parts; part += 1) {
      const next = number * parts + part + 1;
      const to = part === parts - 1 ? page.length : findCount(page, (next / pages) * WORDS);
      this.#put(list, next - 1, page.subarray(from, to));
      from = to;
    }
  }

  #put(list: number, number: number, { buffer, byteOffset, byteLength }: Uint32Array): void {
    this.#write.run(list * MOST_PAGES + number, Buffer.from(buffer, byteOffset, byteLength));
  }
}

/** How many pages a list of so many pages needs for so many entries. */
export function wantedPages(pages: number, entries: number): number {
  let wanted = pages;
  while (entries > wanted * ENTRIES_OF_PAGE && wanted < MOST_PAGES) wanted *= 2;
  return wanted;
}

function pageOf(hashes: Uint32Array, place: number, pages: number): number {
  return Math.floor(((hashes[HASH_WORDS * place] ?? 0) / WORDS) * pages);
}

/** The places of hashes by their order. */
function byHash(hashes: Uint32Array): Uint32Array {
  const count = hashes.length / HASH_WORDS;
  if (count > PLACES) throw new RangeError(`${count} counts are too many to be added at a time`);
  // Numbers are sorted much faster than what needs a function to compare: the first word, and the place in the last bits.
  const keys = new Float64Array(count);
  for (let place = 0; place < count; place += 1)
    keys[place] = (hashes[HASH_WORDS * place] ?? 0) * PLACES + place;
  keys.sort();
  const order = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) {
    const key = keys[index] ?? 0;
    order[index] = key - Math.floor(key / PLACES) * PLACES;
  }
  for (let index = 1; index < count; index += 1) sink(order, index, hashes);
  return order;
}

/** Moves the place at `index` up to where it belongs among those before, as few have to: those with the same first word. */
function sink(order: Uint32Array, index: number, hashes: Uint32Array): void {
  const place = order[index] ?? 0;
  let at = index;
  for (; at > 0 && compareHashes(hashes, order[at - 1] ?? 0, place) > 0; at -= 1)
    order[at] = order[at - 1] ?? 0;
  order[at] = place;
}

function compareHashes(hashes: Uint32Array, one: number, other: number): number {
  const [a, b] = [HASH_WORDS * one, HASH_WORDS * other];
  return (
    (hashes[a] ?? 0) - (hashes[b] ?? 0) ||
    (hashes[a + 1] ?? 0) - (hashes[b + 1] ?? 0) ||
    (hashes[a + 2] ?? 0) - (hashes[b + 2] ?? 0)
  );
}
