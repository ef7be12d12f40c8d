// Visitors without a user id: a keyed hash of site, address and user agent, under the key of the UTC day of receipt
// (visitor-keys.ts). So a visitor is another one each day.
//
// Except that midnight does not cut a visit in two: whoever was seen less than 30 minutes ago when the day ends keeps
// yesterday's hash until 30 minutes pass without an event. It never has both, which would tie the days together. Which
// hashes were seen is remembered in memory only, from half an hour before midnight on. After a restart nothing is
// known of them: a visit that goes on over midnight and a restart becomes two, of two visitors.

import { createHmac } from "node:crypto";
import { SESSION_GAP_MS } from "../projector/session.ts";
import { dayOf, MS_PER_DAY } from "./timestamp.ts";

/** A hash is the first so many bytes of an HMAC-SHA256. */
const HASH_BYTES = 16;
/** How many visits are remembered over midnight, which takes about 150 bytes each. Beyond, the oldest are cut in two. */
const MAX_VISITS = 500_000;

/** The keys that visitors need: VisitorKeys, or those of a test. */
export interface DayKeys {
  /** The key of a day, in days since 1970-01-01; undefined when there is none. */
  keyOf(day: number): Buffer | undefined;
  /** The same, but a key that is missing is made. Undefined when it cannot be. */
  openKey(day: number): Buffer | undefined;
}

/** A visitor as it may be known on one day. */
export interface Visitor {
  readonly today: Hash;
  /** Undefined when there is no visit that could go on. */
  readonly yesterday: Hash | undefined;
}

export interface Hash {
  readonly bytes: Uint8Array;
  /** The same as text. */
  readonly name: string;
}

export class Visitors {
  readonly #keys: DayKeys;
  #day = 0;
  /** When the visits were last seen that may go on over the midnight to come, by the names of their hashes. */
  #ending: RecentVisits = new RecentVisits();
  /** The same of the midnight that was last. */
  #goingOn: RecentVisits = new RecentVisits();

  constructor(keys: DayKeys) {
    this.#keys = keys;
  }

  /**
   * Who has this address and this user agent on a site, neither of which has a NUL in it; undefined when that cannot be
   * told, as there is no key. What it answers is good for the UTC day of `nowMs`, which is a time of receipt.
   */
  of(siteId: string, address: string, userAgent: string, nowMs: number): Visitor | undefined {
    this.#turnTo(dayOf(nowMs));
    const key = this.#keys.openKey(this.#day);
    if (!key) return undefined;
    const identity = `${siteId}\0${address}\0${userAgent}`;
    const ofYesterday = this.#goingOn.isEmpty ? undefined : this.#keys.keyOf(this.#day - 1);
    return {
      today: hashOf(key, identity),
      yesterday: ofYesterday && hashOf(ofYesterday, identity),
    };
  }

  /** The hash of a visitor that is seen at `nowMs`, a time of its day. */
  see({ today, yesterday }: Visitor, nowMs: number): Hash {
    if (yesterday && this.#goingOn.goesOn(yesterday.name, nowMs)) return yesterday;
    if (nowMs % MS_PER_DAY >= MS_PER_DAY - SESSION_GAP_MS) this.#ending.see(today.name, nowMs);
    return today;
  }

  #turnTo(day: number): void {
    if (day === this.#day) return;
    this.#goingOn = day === this.#day + 1 ? this.#ending : new RecentVisits();
    this.#ending = new RecentVisits();
    this.#day = day;
  }
}

function hashOf(key: Buffer, identity: string): Hash {
  const bytes = createHmac("sha256", key).update(identity).digest().subarray(0, HASH_BYTES);
  return { bytes, name: bytes.toString("latin1") };
}

/** When visits were last seen. Those seen longest ago come first, and are forgotten when their time has passed. */
class RecentVisits {
  readonly #lastSeen = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#lastSeen.size === 0;
  }

  see(name: string, nowMs: number): void {
    this.#lastSeen.delete(name);
    this.#lastSeen.set(name, nowMs);
    this.#forget(nowMs);
  }

  /** Whether a visit was seen less than SESSION_GAP_MS ago; then it is seen now. */
  goesOn(name: string, nowMs: number): boolean {
    this.#forget(nowMs);
    if (!this.#lastSeen.has(name)) return false;
    this.see(name, nowMs);
    return true;
  }

  #forget(nowMs: number): void {
    for (const [name, seenMs] of this.#lastSeen) {
      if (nowMs - seenMs < SESSION_GAP_MS && this.#lastSeen.size <= MAX_VISITS) return;
      this.#lastSeen.delete(name);
    }
  }
}
