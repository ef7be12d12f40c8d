// What is known of whoever did something, by address and user agent: browser, place, bot or not, and the visitor when
// there is no user id. It is found out once for each sender and day, as most events come from senders that were seen a
// moment ago. Addresses and user agents are kept in memory alone, until the first event of the next day.

import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { BotReason } from "../../gen/ts/analytics/v1/event_log_pb.ts";
import { Agents, speaksForVisitor } from "../enrich/agents.ts";
import type { PlaceFields } from "../enrich/enrichment.ts";
import { type SenderFields, writeSenderFields } from "../log/records.ts";
import type { Details } from "./details.ts";
import type { Origin } from "./origin.ts";
import { dayOf } from "./timestamp.ts";
import type { Hash, Visitor, Visitors } from "./visitors.ts";

/** How many senders are remembered; all are forgotten when there are more, which bounds the memory. */
const MAX_SENDERS = 20_000;

/** What a record says about its sender. */
class SenderRecord {
  readonly fields: SenderFields;
  #bytes: Uint8Array | undefined;

  constructor(fields: SenderFields) {
    this.fields = fields;
  }

  /** The fields as they are at the end of a record. */
  get bytes(): Uint8Array {
    this.#bytes ??= bytesOf(this.fields);
    return this.#bytes;
  }
}

/** Nothing is known of it. */
const NOBODY = new SenderRecord({});

/** By what a sender is known. */
interface Identity {
  readonly siteId: string;
  readonly address: string;
  readonly userAgent: string;
  /** Whether the event states the user agent, so that it is the visitor's. */
  readonly isStated: boolean;
  readonly isPrefetch: boolean;
}

/** What tells where an address is: Places of src/enrich. The same object is the same answer. */
export interface PlaceSource {
  fields(address: string): PlaceFields;
}

interface Sender {
  readonly place: PlaceFields | undefined;
  /** For events with a user id, which goes before the visitor. */
  readonly named: SenderRecord;
  readonly visitor: Visitor | undefined;
  /** For the others: by the hash that the visitor had a moment ago. */
  unnamed: { readonly hash: Hash; readonly record: SenderRecord } | undefined;
}

export class Senders {
  readonly #agents = new Agents();
  readonly #places: PlaceSource | undefined;
  readonly #visitors: Visitors | undefined;
  readonly #known = new Map<string, Sender>();
  #day = 0;

  /** Without `places`, no country is known; without `visitors`, nobody but who has a user id. */
  constructor(places: PlaceSource | undefined, visitors: Visitors | undefined) {
    this.#places = places;
    this.#visitors = visitors;
  }

  /**
   * What is known of whoever an event of a site is of, when it is received at `nowMs`: what it states in `details` goes
   * before the origin of the request. Who states the user agent of somebody else has another address.
   */
  of(
    siteId: string,
    hasUserId: boolean,
    details: Details | undefined,
    origin: Origin,
    nowMs: number,
  ): SenderRecord {
    const isStated = details !== undefined && details.userAgent !== "";
    const address = details?.clientAddress || (isStated ? "" : origin.address);
    const userAgent = details?.userAgent || origin.userAgent;
    if (address === "" && userAgent === "") return NOBODY;
    const sender = this.#recall(
      { siteId, address, userAgent, isStated, isPrefetch: origin.isPrefetch },
      nowMs,
    );
    if (hasUserId || !sender.visitor || !this.#visitors) return sender.named;
    const hash = this.#visitors.see(sender.visitor, nowMs);
    if (sender.unnamed?.hash !== hash) {
      const fields = { ...sender.named.fields, visitor: hash.bytes };
      sender.unnamed = { hash, record: new SenderRecord(fields) };
    }
    return sender.unnamed.record;
  }

  #recall(identity: Identity, nowMs: number): Sender {
    const day = dayOf(nowMs);
    if (day !== this.#day || this.#known.size >= MAX_SENDERS) this.#known.clear();
    this.#day = day;
    const { siteId, address, userAgent, isStated, isPrefetch } = identity;
    // Only the last part can have a NUL in it.
    const key = `${isStated}${isPrefetch}${siteId}\0${address}\0${userAgent}`;
    const place = address === "" ? undefined : this.#places?.fields(address);
    const known = this.#known.get(key);
    // The database of places may have been replaced.
    if (known && known.place === place) return known;
    const sender = this.#meet(identity, place, nowMs);
    // A visitor for whom there is no key yet is asked for again.
    if (sender.visitor || !this.#visitors || address === "") this.#known.set(key, sender);
    return sender;
  }

  #meet(identity: Identity, place: PlaceFields | undefined, nowMs: number): Sender {
    const { siteId, address, userAgent, isStated, isPrefetch } = identity;
    const isOfVisitor = userAgent !== "" && (isStated || speaksForVisitor(userAgent));
    const { isBot = false, ...agent } = isOfVisitor ? this.#agents.fields(userAgent) : {};
    const bot = isBot ? BotReason.USER_AGENT : isPrefetch ? BotReason.PREFETCH : BotReason.UNSPECIFIED;
    return {
      place,
      named: new SenderRecord({ ...agent, ...place, bot }),
      visitor: address === "" ? undefined : this.#visitors?.of(siteId, address, userAgent, nowMs),
      unnamed: undefined,
    };
  }
}

function bytesOf(fields: SenderFields): Uint8Array {
  const writer = new BinaryWriter();
  writeSenderFields(writer, fields);
  return writer.finish();
}
