// The short way from an event in JSON to one in protobuf, from bytes to bytes, with no text made in between: what is an
// IngestEventRequest then goes the short way to the log (src/ingest/plain-events.ts), where it is found out whether the texts
// are UTF-8, and what they may hold.
//
// It knows only success. An event is plain when it is one object of nothing but texts without escapes, each the value of one
// of the first six fields, none named twice. What is not plain is not judged here: it is parsed. plain-json.test.ts holds
// both ways to the same.

import { copy, type Target, writeLength, writeTag } from "../ingest/message-target.ts";

/** Which fields of an IngestEventRequest names are of, by the lengths of the names. */
export type FieldNames = readonly (readonly FieldName[] | undefined)[];

interface FieldName {
  readonly bytes: Buffer;
  readonly field: number;
}

/** The names of the fields from 1 on, of which each has one or more. */
export function fieldNames(namesOfFields: readonly (readonly string[])[]): FieldNames {
  const byLength: FieldName[][] = [];
  for (const [index, names] of namesOfFields.entries()) {
    for (const name of names) {
      const bytes = Buffer.from(name);
      byLength[bytes.length] = [...(byLength[bytes.length] ?? []), { bytes, field: index + 1 }];
    }
  }
  return byLength;
}

const MAX_FIELDS = 6;
/** A longer text is not plain, in bytes: its length would not fit in a varint of two. */
const MAX_TEXT_BYTES = 0x3fff;
/** A tag, and a length. */
const MAX_FIELD_HEAD_BYTES = 3;

const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];
const [COMMA, COLON] = [0x2c, 0x3a];
export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
const [OPENING_BRACE, CLOSING_BRACE] = [0x7b, 0x7d];

/** Where the text of each field begins and ends, by its number: for one call at a time. A field that is not there ends at 0. */
const starts = new Uint32Array(MAX_FIELDS + 1);
const ends = new Uint32Array(MAX_FIELDS + 1);

/** The IngestEventRequest in `json`, fields in order, without those that are empty; undefined when it is not plain. */
export function plainMessageOf(json: Buffer, names: FieldNames): Buffer | undefined {
  return findTexts(json, names) ? messageOf(json) : undefined;
}

function findTexts(json: Buffer, names: FieldNames): boolean {
  ends.fill(0);
  let at = behindSpace(json, 0);
  // Before each member there is a brace or a comma.
  let before = OPENING_BRACE;
  while (json[at] === before) {
    const nameAt = behindSpace(json, at + 1);
    const nameEnd = endOfText(json, nameAt);
    const field = fieldOf(json, nameAt + 1, nameEnd, names);
    if (field === 0 || ends[field] !== 0) return false;
    at = behindSpace(json, nameEnd + 1);
    if (json[at] !== COLON) return false;
    const textAt = behindSpace(json, at + 1);
    const textEnd = endOfText(json, textAt);
    if (textEnd === 0 || textEnd - textAt - 1 > MAX_TEXT_BYTES) return false;
    starts[field] = textAt + 1;
    ends[field] = textEnd;
    at = behindSpace(json, textEnd + 1);
    before = COMMA;
  }
  return before === COMMA && json[at] === CLOSING_BRACE && behindSpace(json, at + 1) === json.length;
}

function messageOf(json: Buffer): Buffer {
  const target: Target = {
    bytes: Buffer.allocUnsafe(json.length + MAX_FIELDS * MAX_FIELD_HEAD_BYTES),
    at: 0,
  };
  for (let field = 1; field <= MAX_FIELDS; field += 1) {
    const [start = 0, end = 0] = [starts[field], ends[field]];
    if (end <= start) continue;
    writeTag(target, field);
    writeLength(target, end - start);
    copy(target, json, start, end);
  }
  return target.bytes.subarray(0, target.at);
}

function behindSpace(json: Buffer, start: number): number {
  let at = start;
  for (;;) {
    const byte = json[at];
    if (byte !== SPACE && byte !== LINE_FEED && byte !== CARRIAGE_RETURN && byte !== TAB) return at;
    at += 1;
  }
}

/** Where the text that begins with a quote at `start` has its other one; 0 when it is none, or not as it is written. */
function endOfText(json: Buffer, start: number): number {
  if (json[start] !== QUOTE) return 0;
  for (let at = start + 1; at < json.length; at += 1) {
    const byte = json[at] ?? 0;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH || byte < SPACE) return 0;
  }
  return 0;
}

/** The number of the field with the name between `start` and `end`; 0 when there is none. */
function fieldOf(json: Buffer, start: number, end: number, names: FieldNames): number {
  for (const { bytes, field } of names[end - start] ?? NO_NAMES) {
    let at = 0;
    while (at < bytes.length && bytes[at] === json[start + at]) at += 1;
    if (at === bytes.length) return field;
  }
  return 0;
}

const NO_NAMES: readonly FieldName[] = [];
