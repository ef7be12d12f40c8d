// What an event may have beside the fields that every event has: most of it comes from enrichment.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { DETAIL_COLUMNS, DetailTexts } from "./detail-texts.ts";
import type { Texts } from "./texts.ts";
import { endOf, readNumber } from "./wire.ts";

export interface EventDetails {
  /** Those of many events; of this one the ones at the places from `first` up to `end`. Of two of one field the last one counts.
   *  Props are a JSON object of texts, by ascending key. */
  readonly texts: DetailTexts;
  readonly first: number;
  readonly end: number;
  readonly revenueMicros: number;
  readonly isBot: boolean;
  /** The visitor's hash, a character for each of its bytes; empty when the event has none. */
  readonly visitor: string;
}

/** Fields of RecordedEvent (proto/analytics/v1/event_log.proto). */
const PROPS = 13;
const REVENUE_MICROS = 14;
const BOT = 29;
const VISITOR = 30;

/** Reads the details of one event after the other. */
export class DetailsReader {
  readonly #known: Texts;
  #texts = new DetailTexts();
  #first = 0;
  #props: [string, string][] | undefined;
  #revenueMicros = 0;
  #isBot = false;
  #visitor = "";

  /** `known` makes the texts. */
  constructor(known: Texts) {
    this.#known = known;
  }

  /** Texts of the events that come now are apart from those of the events before, and probably as many. */
  beginPart(): void {
    this.#texts = new DetailTexts(this.#texts.length);
  }

  beginEvent(): void {
    this.#first = this.#texts.length;
    this.#props = undefined;
    this.#revenueMicros = 0;
    this.#isBot = false;
    this.#visitor = "";
  }

  /** Takes the field that the reader of `payload` stands behind the tag of, and that ends at `limit` at the latest. Others than an
   *  event's details are passed over. */
  read(field: number, wireType: WireType, reader: BinaryReader, payload: Buffer, limit: number): void {
    if (wireType === WireType.LengthDelimited) {
      const end = endOf(reader, limit);
      const start = reader.pos;
      reader.pos = end;
      if (field === PROPS) {
        this.#props ??= [];
        this.#props.push(readProp(payload.subarray(start, end)));
      } else if (field === VISITOR) this.#visitor = payload.toString("latin1", start, end);
      else if (DETAIL_COLUMNS[field] !== undefined) {
        const text = this.#known.read(payload, start, end);
        this.#texts.add(field, text, this.#known.hash);
      }
    } else if (wireType === WireType.Varint) {
      if (field === REVENUE_MICROS) this.#revenueMicros = Number(reader.sint64());
      else if (field === BOT) this.#isBot = reader.uint32() !== 0;
      else readNumber(reader, payload, limit);
    } else reader.skip(wireType, field);
  }

  /** Those of the event; undefined when there are none. */
  endEvent(): EventDetails | undefined {
    if (this.#props) this.#texts.add(PROPS, propsText(this.#props), 0);
    const [texts, first, end] = [this.#texts, this.#first, this.#texts.length];
    const [revenueMicros, isBot, visitor] = [this.#revenueMicros, this.#isBot, this.#visitor];
    if (first === end && revenueMicros === 0 && !isBot && visitor === "") return undefined;
    return { texts, first, end, revenueMicros, isBot, visitor };
  }
}

/** An entry of a map: field 1 is the key, field 2 the value; either may be missing when it is empty. */
function readProp(bytes: Uint8Array): [string, string] {
  const reader = new BinaryReader(bytes);
  const entry: [string, string] = ["", ""];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) entry[0] = reader.string();
    else if (field === 2) entry[1] = reader.string();
    else reader.skip(wireType, field);
  }
  return entry;
}

/** As JSON, made by hand: JavaScript's objects have an order of their own for keys that are numbers. Of a key that comes
 *  twice the last one counts, as in protobuf. */
function propsText(entries: readonly [string, string][]): string {
  const props = new Map(entries);
  const members = [...props.keys()]
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(props.get(key))}`);
  return `{${members.join(",")}}`;
}
