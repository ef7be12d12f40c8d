// What an event may have beside the fields that every event has: most of it comes from enrichment.

import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** Texts that the event lacks are empty. */
export interface EventDetails {
  readonly hostname: string;
  readonly title: string;
  readonly language: string;
  /** A JSON object of texts, by ascending key; empty without any. */
  readonly props: string;
  readonly revenueMicros: number;
  readonly currency: string;
  readonly referrer: string;
  readonly source: string;
  readonly channel: string;
  readonly utmSource: string;
  readonly utmMedium: string;
  readonly utmCampaign: string;
  readonly utmTerm: string;
  readonly utmContent: string;
  readonly browser: string;
  readonly os: string;
  readonly device: string;
  readonly country: string;
  readonly region: string;
  readonly isBot: boolean;
  /** The visitor's hash, a character for each of its bytes; empty when the event has none. */
  readonly visitor: string;
}

export const NO_DETAILS: EventDetails = {
  ...{ hostname: "", title: "", language: "", props: "", revenueMicros: 0, currency: "" },
  ...{ referrer: "", source: "", channel: "" },
  ...{ utmSource: "", utmMedium: "", utmCampaign: "", utmTerm: "", utmContent: "" },
  ...{ browser: "", os: "", device: "", country: "", region: "", isBot: false, visitor: "" },
};

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };
type TextKey = {
  [Key in keyof EventDetails]: EventDetails[Key] extends string ? Key : never;
}[keyof EventDetails];

/** The fields of RecordedEvent that are texts, by their numbers (proto/analytics/v1/event_log.proto). */
const TEXTS: ReadonlyMap<number, TextKey> = new Map([
  [9, "hostname"],
  [10, "title"],
  [11, "language"],
  [15, "currency"],
  [16, "referrer"],
  [17, "source"],
  [18, "channel"],
  [19, "utmSource"],
  [20, "utmMedium"],
  [21, "utmCampaign"],
  [22, "utmTerm"],
  [23, "utmContent"],
  [24, "browser"],
  [25, "os"],
  [26, "device"],
  [27, "country"],
  [28, "region"],
]);
const PROPS = 13;
const REVENUE_MICROS = 14;
const BOT = 29;
const VISITOR = 30;

/** Collects the details of one event. */
export class DetailsBuilder {
  readonly #details: Writable<EventDetails> = { ...NO_DETAILS };
  readonly #reader: BinaryReader;
  readonly #readText: () => string;
  #props: [string, string][] | undefined;

  /** `readText` reads a text of `reader`. */
  constructor(reader: BinaryReader, readText: () => string) {
    this.#reader = reader;
    this.#readText = readText;
  }

  /** Takes the field that the reader stands behind the tag of. Others than an event's details are passed over. */
  read(field: number, wireType: WireType): void {
    const reader = this.#reader;
    const key = wireType === WireType.LengthDelimited ? TEXTS.get(field) : undefined;
    if (key !== undefined) this.#details[key] = this.#readText();
    else if (field === PROPS && wireType === WireType.LengthDelimited) {
      this.#props ??= [];
      this.#props.push(readProp(reader.bytes()));
    } else if (field === REVENUE_MICROS && wireType === WireType.Varint) {
      this.#details.revenueMicros = Number(reader.sint64());
    } else if (field === BOT && wireType === WireType.Varint) this.#details.isBot = reader.int32() !== 0;
    else if (field === VISITOR && wireType === WireType.LengthDelimited) {
      this.#details.visitor = Buffer.from(reader.bytes()).toString("latin1");
    } else reader.skip(wireType, field);
  }

  finish(): EventDetails {
    if (this.#props) this.#details.props = propsText(this.#props);
    return this.#details;
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
