// The events that `query` asks about, as 50 sites would have them in a year: for a number of events always the same ones,
// in order of time, so that nothing of them is kept but the visits that go on.
//
// A visit is of a person, who comes back for some weeks. A quarter of the persons have a user id; the others have another
// hash each day. Browser and country are the person's, source and campaign the visit's, path and type the event's.

import { BotReason } from "../gen/ts/analytics/v1/event_log_pb.ts";
import { formatTimestamp } from "../src/ingest/timestamp.ts";
import type { RecordedEvent } from "../src/log/records.ts";
import { chance, hash, pick, zipf } from "./chance.ts";
import * as words from "./query-vocabulary.ts";

export const END_MS = Date.UTC(2025, 10, 1);
const START_MS = Date.UTC(2024, 10, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const HOURS = (END_MS - START_MS) / HOUR_MS;
/** By how much there are more visits at the best hour of the day than in the mean. */
const RHYTHM = 0.6;

const MAX_EVENTS_PER_VISIT = 8;
/** Of eventsOfVisit() below. */
const MEAN_EVENTS_PER_VISIT = Array.from(
  { length: MAX_EVENTS_PER_VISIT },
  (_, least) => 1 - Math.sqrt(least / MAX_EVENTS_PER_VISIT),
).reduce((sum, share) => sum + share);
const MIN_GAP_MS = 2000;
const MAX_GAP_MS = 5 * 60_000;

/** Of all visits. The other sites follow Zipf's law. */
const SHARE_OF_FIRST_SITE = 0.2;
const VISITS_PER_PERSON = 4;
/** Of the persons of a site: as many come and go at a time. */
const PRESENT_SHARE = 0.08;
/** More than the persons of a site. */
const PERSON_NUMBERS = 2 ** 24;

const USER_SHARE = 0.25;
const BOT_SHARE = 0.03;
const CAMPAIGN_SHARE = 0.05;
const PROPS_SHARE = 0.1;
/** Each with those before it. */
const PURCHASE_SHARE = 0.01;
const SIGNUP_SHARE = 0.03;
const CLICK_SHARE = 0.08;

/** The fold does not look at it. */
const SERVER_ID = new Uint8Array(16).fill(1);

interface Visit {
  readonly number: number;
  readonly site: number;
  /** What all of its events have. */
  readonly fields: Pick<RecordedEvent, "userId"> & Partial<RecordedEvent>;
}

interface Step {
  readonly timeMs: number;
  readonly visit: Visit;
  readonly nth: number;
}

/** About `count` events. */
export function* queryEvents(count: number): Generator<RecordedEvent> {
  const visits = count / MEAN_EVENTS_PER_VISIT;
  let going: Step[] = [];
  let begun = 0;
  let due = 0;
  for (let hour = 0; hour < HOURS; hour += 1) {
    const hourMs = START_MS + hour * HOUR_MS;
    due += (visits / HOURS) * (1 + RHYTHM * Math.sin((hour / 12) * Math.PI));
    for (; begun < due; begun += 1) going.push(...stepsOf(begun, hourMs, visits));
    going.sort((a, b) => a.timeMs - b.timeMs);
    const next = going.findIndex(({ timeMs }) => timeMs >= hourMs + HOUR_MS);
    const ended = next === -1 ? going.length : next;
    for (const step of going.slice(0, ended)) yield eventOf(step);
    going = going.slice(ended);
  }
}

function stepsOf(number: number, hourMs: number, visits: number): Step[] {
  let timeMs = hourMs + Math.floor(chance(number, 1) * HOUR_MS);
  const site = chance(number, 2) < SHARE_OF_FIRST_SITE ? 0 : 1 + zipf(chance(number, 3), words.SITES - 1);
  const person = site * PERSON_NUMBERS + personOf(number, site, visits);
  // A visit that goes on over midnight keeps its hash.
  const fields = { ...personFields(person, Math.floor(timeMs / DAY_MS)), ...visitFields(number) };
  const visit = { number, site, fields };
  return Array.from({ length: eventsOfVisit(chance(number, 4)) }, (_, nth) => {
    if (nth > 0) timeMs += MIN_GAP_MS + Math.floor(chance(eventNumber(number, nth), 5) * MAX_GAP_MS);
    return { timeMs, visit, nth };
  });
}

/** From 1 to 8, seldom many. */
function eventsOfVisit(chance: number): number {
  return 1 + Math.floor(MAX_EVENTS_PER_VISIT * chance ** 2);
}

/** One of those that come at the time: persons are numbered as they turn up, and the newest come most often. */
function personOf(visit: number, site: number, visits: number): number {
  const share =
    site === 0
      ? SHARE_OF_FIRST_SITE
      : ((1 - SHARE_OF_FIRST_SITE) * Math.log((site + 1) / site)) / Math.log(words.SITES);
  const persons = (share * visits) / VISITS_PER_PERSON;
  const newest = (visit / visits) * persons;
  return Math.max(0, Math.floor(newest - PRESENT_SHARE * persons * chance(visit, 6) ** 2));
}

function eventNumber(visit: number, nth: number): number {
  return visit * MAX_EVENTS_PER_VISIT + nth;
}

function eventOf({ timeMs, visit, nth }: Step): RecordedEvent {
  const number = eventNumber(visit.number, nth);
  return {
    siteId: words.siteId(visit.site),
    ...pick(words.PAGES, chance(number, 7)),
    hostname: pick(words.HOST_PREFIXES, chance(number, 8)) + words.siteId(visit.site),
    timestamp: formatTimestamp(timeMs),
    receivedAtMs: BigInt(timeMs),
    id: { case: "serverEventId", value: SERVER_ID },
    ...typeOf(chance(number, 9)),
    ...(chance(number, 10) < PROPS_SHARE && { props: propsOf(number) }),
    ...visit.fields,
  };
}

function typeOf(chance: number): Pick<RecordedEvent, "eventType" | "revenueMicros" | "currency"> {
  if (chance < PURCHASE_SHARE) return { eventType: "purchase", revenueMicros: 19_990_000n, currency: "EUR" };
  if (chance < SIGNUP_SHARE) return { eventType: "signup" };
  return { eventType: chance < CLICK_SHARE ? "click" : "page_view" };
}

function propsOf(number: number): Record<string, string> {
  return { plan: pick(words.PLANS, chance(number, 11)), author: pick(words.AUTHORS, chance(number, 12)) };
}

/** `day` in days since 1970-01-01. */
function personFields(person: number, day: number) {
  const country = zipf(chance(person, 13), words.COUNTRIES);
  return {
    ...(chance(person, 14) < USER_SHARE
      ? { userId: `u${person}` }
      : { userId: "", visitor: dayHash(person, day) }),
    browser: pick(words.BROWSERS, chance(person, 15)),
    os: pick(words.OSES, chance(person, 16)),
    device: pick(words.DEVICES, chance(person, 17)),
    language: pick(words.LANGUAGES, chance(person, 18)),
    country: words.countryText(country),
    screenWidth: pick(words.SCREEN_WIDTHS, chance(person, 32)),
    region: words.regionText(country, zipf(chance(person, 19), words.REGIONS_PER_COUNTRY)),
    bot: chance(person, 20) < BOT_SHARE ? BotReason.USER_AGENT : BotReason.UNSPECIFIED,
  };
}

/** 16 bytes, of which the first eight are already others for each person and day. */
function dayHash(person: number, day: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [index, number] of [person, day, person, day].entries()) {
    view.setUint32(4 * index, hash(number, 21 + index));
  }
  return bytes;
}

function visitFields(visit: number) {
  const { name, referrer, channel } = pick(words.SOURCES, chance(visit, 25));
  if (chance(visit, 26) >= CAMPAIGN_SHARE) return { source: name, referrer, channel };
  return {
    source: name,
    referrer,
    channel: "Paid Other",
    utmSource: pick(words.UTM_SOURCES, chance(visit, 27)),
    utmMedium: pick(words.UTM_MEDIUMS, chance(visit, 28)),
    utmCampaign: pick(words.CAMPAIGNS, chance(visit, 29)),
    utmTerm: pick(words.TERMS, chance(visit, 30)),
    utmContent: pick(words.CONTENTS, chance(visit, 31)),
  };
}
