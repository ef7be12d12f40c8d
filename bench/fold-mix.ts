// The events that `fold` folds: for each index always the same one, so that nothing of them is kept.
//
// Paths, users and sites follow Zipf's law: the one of rank r is r times as rare as the first. At first every path of
// every site is seen once, so that a short log has as many paths as a long one. Texts are scrambled: those that follow
// each other in the log are far from each other in an index.

import { v4, v7 } from "uuid";
import { formatTimestamp } from "../src/ingest/timestamp.ts";
import type { RecordedEvent } from "../src/log/records.ts";
import { chance, hash, zipf } from "./chance.ts";

export interface Mix {
  readonly events: number;
  readonly sites: number;
  readonly pathsPerSite: number;
  /** The sender's: none, UUIDv7, or UUIDv4. With them one event in a thousand is sent again. */
  readonly ids: "none" | "ascending" | "random";
}

/** What an event is about, as numbers. A user is of one site. */
export interface Visit {
  readonly site: number;
  readonly path: number;
  readonly user: number | undefined;
  readonly isView: boolean;
  /** The first one is 0. */
  readonly day: number;
}

const DAYS = 60;
const MS_PER_DAY = 86_400_000;
export const FIRST_DAY_MS = Date.UTC(2025, 8, 14);
/** As an import does, the senders need much less time than the events did: all are within the dedupe window. */
const EVENTS_PER_MS = 100;
const RECEIVED_FROM_MS = FIRST_DAY_MS + DAYS * MS_PER_DAY;

/** The fold does not look at it. */
const SERVER_ID = new Uint8Array(16).fill(1);

const VIEW_SHARE = 0.9;
const USER_SHARE = 0.95;
const EVENTS_PER_USER = 10;
const RESENT_EVERY = 1000;
const RESENT_AFTER = 500;

export class Events {
  readonly mix: Mix;
  /** How many users there may be in all. */
  readonly users: number;
  readonly #userPools: readonly { readonly first: number; readonly size: number }[];

  constructor(mix: Mix) {
    this.mix = mix;
    let users = 0;
    this.#userPools = Array.from({ length: mix.sites }, (_, site) => {
      const share = Math.log((site + 2) / (site + 1)) / Math.log(mix.sites + 1);
      const pool = { first: users, size: Math.ceil((share * mix.events) / EVENTS_PER_USER) };
      users += pool.size;
      return pool;
    });
    this.users = users;
  }

  /** Whether the event is an earlier one that is sent again. */
  isResent(index: number): boolean {
    return this.mix.ids !== "none" && index % RESENT_EVERY === RESENT_EVERY - 1;
  }

  /** What the event at `index` of the log is about. */
  visit(index: number): Visit {
    const { sites, pathsPerSite } = this.mix;
    const at = this.#original(index);
    const isFirst = at < sites * pathsPerSite;
    const site = isFirst ? Math.floor(at / pathsPerSite) : zipf(chance(at, 1), sites);
    const pool = this.#userPools[site] ?? { first: 0, size: 1 };
    return {
      site,
      path: isFirst ? at % pathsPerSite : zipf(chance(at, 2), pathsPerSite),
      user: chance(at, 3) < USER_SHARE ? pool.first + zipf(chance(at, 4), pool.size) : undefined,
      isView: isFirst || chance(at, 5) < VIEW_SHARE,
      day: Math.floor(this.#timeMs(at) / MS_PER_DAY),
    };
  }

  /** The event at `index` of the log, which is about `visit`. */
  recorded(index: number, { site, path, user, isView }: Visit): RecordedEvent {
    const at = this.#original(index);
    return {
      siteId: siteId(site),
      eventType: isView ? "page_view" : "click",
      path: pathText(path),
      userId: user === undefined ? "" : `u${text(user, 6)}${text(user, 7)}`,
      timestamp: formatTimestamp(FIRST_DAY_MS + Math.floor(this.#timeMs(at))),
      id: this.#id(at),
      receivedAtMs: BigInt(receivedAtMs(index)),
    };
  }

  #original(index: number): number {
    return this.isResent(index) ? index - RESENT_AFTER : index;
  }

  /** Since the beginning of the first day. */
  #timeMs(index: number): number {
    return (index / this.mix.events) * DAYS * MS_PER_DAY;
  }

  #id(index: number): RecordedEvent["id"] {
    const { ids } = this.mix;
    if (ids === "none") return { case: "serverEventId", value: SERVER_ID };
    const random = new Uint8Array(16);
    const view = new DataView(random.buffer);
    for (let word = 0; word < 4; word++) view.setUint32(4 * word, hash(index, 10 + word));
    if (ids === "random") return { case: "clientEventId", value: v4({ random }) };
    return { case: "clientEventId", value: v7({ random, msecs: receivedAtMs(index), seq: index }) };
  }
}

export function siteId(site: number): string {
  return `site-${site}.example`;
}

export function pathText(path: number): string {
  return `/articles/2025/${text(path, 8)}.html`;
}

export function receivedAtMs(index: number): number {
  return RECEIVED_FROM_MS + Math.floor(index / EVENTS_PER_MS);
}

/** Another text for each number. */
function text(number: number, kind: number): string {
  return hash(number, kind).toString(36).padStart(7, "0");
}
